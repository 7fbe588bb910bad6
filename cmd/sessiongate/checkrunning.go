package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"sessiongate/configs"
)

// runningFlags are the flags of check that are about a running gateway.
type runningFlags struct {
	live, ready bool
	admin       string
}

func (r *runningFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&r.live, "live", false, "ask a running gateway on this machine whether it lives")
	f.BoolVar(&r.ready, "ready", false, "ask a running gateway on this machine whether it takes requests")
	f.StringVar(&r.admin, "admin", string(configs.Default().Server.Admin), "with --live and --ready: the admin listener's address, or that of server.health")
}

// asked reports whether the check is about a running gateway.
func (r *runningFlags) asked() bool { return r.live || r.ready }

// check refuses what makes no sense together.
func (r *runningFlags) check(cmd *cobra.Command) error {
	if cmd.Flags().Changed("admin") && !r.asked() {
		return usageError{errors.New("check: --admin is the address of a running gateway: add --live or --ready")}
	}
	if host, port, err := net.SplitHostPort(r.admin); err != nil || port == "" || strings.ContainsAny(host+port, "/?#@") {
		return adminFault()
	}
	return nil
}

// adminFault says what to write.
func adminFault() error {
	return usageError{errors.New("check: --admin is not host:port; write " + string(configs.Default().Server.Admin))}
}

// runningFound is what --json prints.
type runningFound struct {
	Target string `json:"target"`
	OK     bool   `json:"ok"`
	Status int    `json:"status,omitempty"` // of the answer
}

// ask asks the gateway. It writes nothing if all is well.
func (r *runningFlags) ask(ctx context.Context, cmd *cobra.Command) error {
	path := "/livez"
	if r.ready {
		path = "/readyz"
	}
	found := runningFound{Target: "http://" + r.admin + path}
	failed := found.fetch(ctx)
	found.OK = failed == nil
	return answer(cmd, found, nil, failed)
}

func (f *runningFound) fetch(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.Target, nil)
	if err != nil {
		return adminFault()
	}
	res, err := http.DefaultClient.Do(req)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return &unreachableError{fmt.Errorf("check: nobody listens at %s; is the gateway running, and is that its server.admin?", req.URL.Host), nil}
	case err != nil:
		return &unreachableError{fmt.Errorf("check: %w", err), nil}
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16))
	if f.Status = res.StatusCode; f.Status != http.StatusOK {
		return fmt.Errorf("check: %s answers %s", f.Target, res.Status)
	}
	return nil
}
