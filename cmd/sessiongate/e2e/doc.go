// Package e2e tests the whole program: browsers, upstreams, identity providers and Redis around
// a running [sessiongate/cmd/sessiongate/program.Program], or around processes of it. It has
// no code of its own.
//
// A story runs gateways that share keys and a store (harness_test.go), on a clock that stands
// still until the story moves it. harness_process_test.go runs processes on a real Redis. What
// must stay the same between releases is listed in ../testdata/contract.txt (contract_test.go).
// A test that needs a program which the machine lacks is skipped, unless
// SESSIONGATE_TEST_REQUIRE names that program.
package e2e
