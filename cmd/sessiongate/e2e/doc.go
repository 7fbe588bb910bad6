// Package e2e holds the stories of the whole program, as tests: browsers, upstreams, identity
// providers and Redis around a running [sessiongate/cmd/sessiongate/program.Program], or
// around processes of it. It has no code of its own.
//
// A story runs one or several gateways that share keys and a store (harness_test.go), on a
// clock that stands still until the story moves it; harness_process_test.go has processes
// on a real Redis. What must stay the same between releases is in ../testdata/contract.txt
// (contract_test.go). A test that needs a program the machine lacks is skipped, unless
// SESSIONGATE_TEST_REQUIRE names it.
package e2e
