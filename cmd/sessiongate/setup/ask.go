package setup

import (
	"context"
	"net/url"
	"strings"

	"sessiongate/configs"
)

// answers are what a configuration is made from.
type answers struct {
	file      shipped
	issuer    string
	clientID  string
	secret    configs.Secret // empty: it is in a file already, or comes from the environment
	upstream  string
	baseURL   string // of the login API; empty: the file's own
	app       string // the URL of a development server, or a folder
	publicURL string
	redis     string // empty: the embedded store
}

// ask gets all answers. A flag that does not belong to the kind of provider is an error: whoever
// wrote it expects something of it.
func ask(ctx context.Context, o Options, t target) (*answers, error) {
	q := &questions{ctx: ctx, given: o.Given, terminal: o.Terminal}
	file, err := q.choose(newCatalogue())
	if err != nil {
		return nil, err
	}
	a := &answers{file: file}
	if err := q.belong(file.kind); err != nil {
		return nil, err
	}
	for _, step := range []func(*answers, target) error{q.provider, q.places, q.store} {
		if err := step(a, t); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// belong refuses flags of other kinds.
func (q *questions) belong(kind string) error {
	for flag, only := range map[string]string{"issuer": "oidc", "client-id": "oidc", "base-url": "tokenapi"} {
		if _, given := q.given[flag]; given && kind != only {
			return &UsageError{"--" + flag + " is for providers of kind " + only + ", and this one is " + kind + "; write --provider " + only + ", or leave it out"}
		}
	}
	return nil
}

// provider asks what only the kind of provider needs.
func (q *questions) provider(a *answers, t target) (err error) {
	if a.file.kind != "oidc" {
		return nil
	}
	draft := configs.NewDraft(a.file.text)
	issuer := draft.Value("providers[0].issuer")
	a.issuer, err = q.answer(question{
		flag: "issuer", about: "Issuer, exactly as the provider names itself", fallback: unlessExample(issuer), example: issuer,
		check: func(text string) (string, *fault) {
			if what := configs.IssuerFault(text); what != "" {
				return "", &fault{what: what}
			}
			return text, nil
		},
	})
	if err != nil {
		return err
	}
	a.clientID, err = q.answer(question{flag: "client-id", about: "Client ID there", example: draft.Value("providers[0].client_id"), check: anyText})
	if err != nil || q.terminal == nil || !draft.Has("providers[0].client_secret_file") || t.has(secretFile) {
		return err
	}
	secret, err := q.terminal.Secret(q.ctx, "Client secret (empty: from the environment, OIDC_CLIENT_SECRET)")
	a.secret = configs.NewSecret(strings.TrimSpace(secret))
	return err
}

// places asks where everything is.
func (q *questions) places(a *answers, t target) (err error) {
	draft := configs.NewDraft(a.file.text)
	upstream := draft.Value("routes[0].upstreams[0]")
	if a.upstream, err = q.answer(question{
		flag: "upstream", about: "URL of your API", fallback: unlessExample(upstream), example: upstream, check: address,
	}); err != nil {
		return err
	}
	if err := q.loginAPI(a, draft, upstream); err != nil {
		return err
	}
	if a.app, err = q.answer(question{
		flag: "app", about: "Your app: URL of its development server, or a folder with the built app",
		fallback: "http://localhost:5173", check: appFolder(t.dir),
	}); err != nil {
		return err
	}
	a.publicURL, err = q.answer(question{
		flag: "public-url", about: "Address in the browser", fallback: "http://localhost:8080",
		check: func(text string) (string, *fault) { return publicURL(text, a) },
	})
	return err
}

// loginAPI asks for the address of the login where that is not the upstream: a service of its own.
func (q *questions) loginAPI(a *answers, draft *configs.Draft, upstream string) (err error) {
	base := draft.Value("providers[0].base_url")
	_, given := q.given["base-url"]
	switch {
	case a.file.kind != "tokenapi":
		return nil
	case base == upstream && !given:
		a.baseURL = a.upstream
		return nil
	}
	a.baseURL, err = q.answer(question{
		flag: "base-url", about: "URL of the API that people sign in at", fallback: unlessExample(base), example: base, check: address,
	})
	return err
}

// publicURL takes an address that is nobody else's.
func publicURL(text string, a *answers) (string, *fault) {
	text, wrong := origin(text)
	if wrong != nil {
		return "", wrong
	}
	for _, other := range []string{a.upstream, a.app} {
		if same(other, text) {
			return "", &fault{"is where your API or your app is, and the gateway needs a port of its own", "http://localhost:" + free(a)}
		}
	}
	if u, err := url.Parse(text); err == nil && configs.LoopbackURL(text) && u.Port() == "9090" {
		return "", &fault{what: "is the port of the gateway's own metrics"}
	}
	return text, nil
}

// free is a port on this machine that none of the answers has.
func free(a *answers) string {
	for _, port := range []string{"8080", "8081"} {
		if own := "http://localhost:" + port; !same(own, a.upstream) && !same(own, a.app) {
			return port
		}
	}
	return "8082"
}

// same tells whether two URLs are one server.
func same(a, b string) bool {
	first, err := url.Parse(a)
	second, err2 := url.Parse(b)
	return err == nil && err2 == nil && first.Host != "" && first.Host == second.Host
}

// store asks for a Redis where sessions have to outlive the process.
func (q *questions) store(a *answers, _ target) (err error) {
	_, given := q.given["redis"]
	if configs.LoopbackURL(a.publicURL) && !given {
		return nil
	}
	a.redis, err = q.answer(question{
		flag: "redis", about: "Redis, which keeps the sessions", fallback: "redis://localhost:6379", check: redisURL,
	})
	return err
}
