package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"sessiongate/cmd/rig"
)

// program is something from the machine, with a configuration of ours.
type program struct {
	name, what string
	path       string   // empty: name, from PATH
	address    string   // where it listens; empty: anywhere
	config     string   // in which words are replaced
	words      []string // besides LISTEN, UPSTREAM, DIR and CORES: old, new, old, new …
	args       []string // the file comes after them
}

// found starts a program that is on the machine.
func (l *lineup) found(ctx context.Context, p program) (c *contender, err error) {
	if err := l.wanted(p.name); err != nil {
		return nil, err
	}
	if p.path == "" {
		if p.path, err = lookProgram(p.name); err != nil {
			return nil, err
		}
	}
	if p.address == "" {
		if p.address, err = rig.FreeAddress(ctx); err != nil {
			return nil, err
		}
	}
	file := filepath.Join(l.dir, p.name+".conf")
	words := append([]string{"LISTEN", p.address, "UPSTREAM", l.upstream, "DIR", l.dir, "CORES", strconv.Itoa(l.cores)}, p.words...)
	if err := os.WriteFile(file, []byte(strings.NewReplacer(words...).Replace(p.config)), 0o600); err != nil {
		return nil, err
	}
	child, err := rig.Start(l.pins.contender, nil, false, p.path, append(p.args, file)...)
	if err != nil {
		return nil, err
	}
	l.onClose(child.Stop)
	if err := child.WaitListening(ctx, p.address); err != nil {
		return nil, &leftOutError{p.name, fmt.Sprintf("it is here but does not start: %v", err)}
	}
	return &contender{
		name: p.name, what: p.what, process: child, target: l.target(p.address),
	}, nil
}

// lookProgram looks where Debian keeps servers too: an ordinary user's PATH has no /usr/sbin.
func lookProgram(name string) (path string, err error) {
	if path, err = exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} {
		if at, inDir := exec.LookPath(filepath.Join(dir, name)); inDir == nil {
			return at, nil
		}
	}
	return "", err
}

// nginx runs without a master, so that one process is all of it (--cores then does not apply to
// it).
func (l *lineup) nginx(ctx context.Context) (*contender, error) {
	front := ""
	if c := l.certificate; c != nil {
		front = "ssl http2; ssl_certificate " + c.CertFile + "; ssl_certificate_key " + c.KeyFile + "; ssl_protocols TLSv1.2 TLSv1.3"
	}
	return l.found(ctx, program{name: "nginx", what: "proxy_pass with keep-alive, no session", args: []string{"-e", "stderr", "-c"}, words: []string{"FRONT", front}, config: `
daemon off; master_process off; pid DIR/nginx.pid; error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off; client_body_temp_path DIR/nb; proxy_temp_path DIR/np;
  fastcgi_temp_path DIR/nf; uwsgi_temp_path DIR/nu; scgi_temp_path DIR/ns;
  keepalive_requests 1000000000;
  upstream app { server UPSTREAM; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen LISTEN FRONT;
    location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`})
}

func (l *lineup) haproxy(ctx context.Context) (*contender, error) {
	return l.found(ctx, program{name: "haproxy", what: "http-reuse always, no session", args: []string{"-db", "-f"}, config: `
global
  nbthread CORES
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 1m
  timeout server 1m
  http-reuse always
  option forwardfor
frontend f
  bind LISTEN
  default_backend b
backend b
  server s UPSTREAM
`})
}
