package tokenapi

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxProbe bounds one question of [Provider.Check]; a shorter timeout of the provider counts.
const maxProbe = 8 * time.Second

// Finding is one thing in which the API and the configuration do not fit.
type Finding struct {
	// Fatal says that nobody can sign in, or stay so, as it is. Others are worth a look.
	Fatal bool
	About string // an endpoint, as the configuration names it, or the address of a server
	Text  string // what it is, and what to write
}

// Report is what [Provider.Check] found. It is for people, and holds no value of an answer.
type Report struct {
	Servers  []string // scheme and host of those that answer, each once
	Answered []string // "login 422": endpoints without a fatal finding
	Findings []Finding
}

// Check asks login, refresh and me what they answer to a request that has nothing of a user in it:
// the configured method, encoding and headers, and {} or an empty form. It sends no credentials, so that
// it can lock no account, and does not call logout. It takes 13 s at most, less if ctx ends.
func (p *Provider) Check(ctx context.Context) Report {
	servers, probes := p.servers(), p.probes()
	var wg sync.WaitGroup
	for _, s := range servers {
		wg.Go(func() {
			s.err = p.reach(ctx, s.url)
			close(s.known)
		})
	}
	for _, x := range probes {
		wg.Go(func() {
			s := servers[origin(x.url)]
			if <-s.known; s.err == nil {
				x.ask(ctx, p)
			}
		})
	}
	wg.Wait()
	return p.report(servers, probes)
}

// server is where endpoints stand; err is read when known is closed.
type server struct {
	url   *url.URL
	known chan struct{}
	err   error
}

func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

// servers are those of all endpoints; logout's, too, is a place to reach.
func (p *Provider) servers() map[string]*server {
	list := make(map[string]*server)
	for _, e := range p.endpoints() {
		list[origin(e.url)] = &server{url: e.url, known: make(chan struct{})}
	}
	return list
}

// endpoints are those that the API has.
func (p *Provider) endpoints() (list []*endpoint) {
	for _, e := range []*endpoint{p.login, p.refresh, p.logout, p.whose} {
		if e != nil {
			list = append(list, e)
		}
	}
	return list
}

// probe is one question and its answer.
type probe struct {
	*endpoint
	configured Endpoint
	reply      *reply
	err        error
}

func (p *Provider) probes() (list []*probe) {
	for _, x := range []*probe{
		{endpoint: p.login, configured: p.options.Login},
		{endpoint: p.refresh, configured: p.options.Refresh},
		{endpoint: p.whose, configured: p.options.Me},
	} {
		if x.endpoint != nil {
			list = append(list, x)
		}
	}
	return list
}

// ask sends the request that has nothing in it.
func (x *probe) ask(ctx context.Context, p *Provider) {
	ctx, cancel := context.WithTimeout(ctx, min(maxProbe, p.options.Timeout))
	defer cancel()
	var content io.Reader
	mediaType := ""
	switch {
	case x.body == nil:
	case x.configured.Encoding == Form:
		content, mediaType = http.NoBody, "application/x-www-form-urlencoded"
	default:
		content, mediaType = strings.NewReader("{}"), "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, x.method, x.url.String(), content)
	if err != nil {
		x.err = err
		return
	}
	p.client.introduce(req, mediaType)
	for _, s := range x.carried {
		if len(s.value.names) == 0 { // the same in every call, such as a version or a tenant
			_ = s.put(req, values{}) // what does not fit its place is nothing that sign-ins send
		}
	}
	x.reply, x.err = p.client.roundTrip(x.what, req)
}

// report puts the answers together, in the order of the configuration.
func (p *Provider) report(servers map[string]*server, probes []*probe) (r Report) {
	for _, e := range p.endpoints() {
		at := origin(e.url)
		s, open := servers[at]
		switch delete(servers, at); {
		case !open:
		case s.err != nil:
			r.Findings = append(r.Findings, Finding{true, at, explain(s.err, e.url)})
		default:
			r.Servers = append(r.Servers, at)
		}
	}
	for _, x := range probes {
		found := p.findings(x)
		r.Findings = append(r.Findings, found...)
		if x.reply != nil && !slices.ContainsFunc(found, func(f Finding) bool { return f.Fatal }) {
			r.Answered = append(r.Answered, x.what+" "+statusText(x.reply.status))
		}
	}
	return r
}
