package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestMain lets the test binary play the roles: run starts its own executable again.
func TestMain(m *testing.M) {
	for _, arg := range os.Args[1:] {
		if arg == "--role" || strings.HasPrefix(arg, "--role=") {
			if err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}
