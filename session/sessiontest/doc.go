// Package sessiontest has the fakes that tests of several packages share: a clock that the
// test moves ([Clock]), and an identity provider ([Provider]).
package sessiontest
