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
	Uncalled []string // endpoints that are not called: logout
	Findings []Finding
}

// Check asks login, refresh and me what they answer to a request that has nothing of a user in it:
// the configured method, encoding and headers, and {} or an empty form. It sends no credentials, so that
// it can lock no account, and does not call logout. Of a login or refresh that answers 404 it asks a
// path beside it too, and a login with an empty form where what it says of {} leaves open whether it
// wants one. It takes 21 s at most, less if ctx ends.
func (p *Provider) Check(ctx context.Context) Report {
	s := newSurvey(p)
	var wg sync.WaitGroup
	for _, at := range s.servers {
		wg.Go(func() {
			at.err = s.reach(ctx, at.url)
			close(at.known)
		})
	}
	for _, x := range s.probes {
		wg.Go(func() {
			at := s.servers[origin(x.url)]
			if <-at.known; at.err == nil {
				s.ask(ctx, x)
			}
		})
	}
	wg.Wait()
	return s.report()
}

// survey is what is asked of an API, and what it answers.
type survey struct {
	options   *Options
	client    *client
	access    []place     // where a token would stand
	endpoints []*endpoint // that the API has
	uncalled  []string
	servers   map[string]*server
	probes    []*probe
}

func newSurvey(p *Provider) *survey {
	s := &survey{options: &p.options, client: p.client, access: p.tokens.sources.access, servers: make(map[string]*server)}
	for _, x := range []*probe{
		{endpoint: p.endpoints.login, configured: p.options.Login},
		{endpoint: p.endpoints.refresh, configured: p.options.Refresh},
		{endpoint: p.endpoints.logout, configured: p.options.Logout},
		{endpoint: p.endpoints.me, configured: p.options.Me},
	} {
		if x.endpoint == nil {
			continue
		}
		s.endpoints = append(s.endpoints, x.endpoint)
		s.servers[origin(x.url)] = &server{url: x.url, known: make(chan struct{})}
		if x.endpoint == p.endpoints.logout {
			s.uncalled = append(s.uncalled, x.what)
			continue
		}
		s.probes = append(s.probes, x)
	}
	return s
}

// server is where endpoints stand; err is read when known is closed.
type server struct {
	url   *url.URL
	known chan struct{}
	err   error
}

func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

// probe is one question and its answer.
type probe struct {
	*endpoint
	configured Endpoint
	filled     bool // it was a request with everything in it, of a trial
	reply      *reply
	asForm     *reply // to an empty form, where that tells what JSON does not
	err        error
	beside     *reply // what a path that is not there answers, where reply leaves open whether this is
}

// ask sends the request that has nothing of a user in it.
func (s *survey) ask(ctx context.Context, x *probe) {
	x.reply, x.err = s.blank(ctx, x, x.url, x.configured.Encoding)
	s.lookBeside(ctx, x)
	if x.err == nil && x.what == "login" && x.body != nil && x.configured.Encoding == JSON && x.reply.missesBlindly() {
		x.asForm, _ = s.blank(ctx, x, x.url, Form) // without an answer it tells nothing
	}
}

// blank sends such a request to a path, with a body of the encoding if it has one.
func (s *survey) blank(ctx context.Context, x *probe, to *url.URL, as Encoding) (*reply, error) {
	ctx, cancel := context.WithTimeout(ctx, min(maxProbe, s.options.Timeout))
	defer cancel()
	var content io.Reader
	mediaType := ""
	switch {
	case x.body == nil:
	case as == Form:
		content, mediaType = http.NoBody, "application/x-www-form-urlencoded"
	default:
		content, mediaType = strings.NewReader("{}"), "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, x.method, to.String(), content)
	if err != nil {
		return nil, err
	}
	s.client.introduce(req, mediaType)
	for _, c := range x.carried {
		if len(c.value.names) == 0 { // the same in every call, such as a version or a tenant
			_ = c.put(req, values{}) // what does not fit its place is nothing that sign-ins send
		}
	}
	return s.client.roundTrip(x.what, req)
}

// report puts the answers together, in the order of the configuration.
func (s *survey) report() (r Report) {
	r.Uncalled = s.uncalled
	var seen []string
	for _, e := range s.endpoints {
		at := origin(e.url)
		switch err := s.servers[at].err; {
		case slices.Contains(seen, at):
		case err != nil:
			r.Findings = append(r.Findings, Finding{true, at, explain(err, e.url)})
		default:
			r.Servers = append(r.Servers, at)
		}
		seen = append(seen, at)
	}
	for _, x := range s.probes {
		found := s.findings(x)
		r.Findings = append(r.Findings, found...)
		if x.reply != nil && !slices.ContainsFunc(found, func(f Finding) bool { return f.Fatal }) {
			r.Answered = append(r.Answered, x.what+" "+statusText(x.reply.status))
		}
	}
	return r
}
