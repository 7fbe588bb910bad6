package configs

// ExplicitTokens is the `explicit_tokens` section: the flow for mobile apps, SDKs and command
// lines, which hold their tokens themselves.
type ExplicitTokens struct {
	// Enabled switches <auth_prefix>/token/* on. Default false.
	Enabled bool `yaml:"enabled"`
	// Grace is how long the refresh token before the current one is still answered. Default 0s:
	// never, and its appearance ends the family. 0 to 1h.
	Grace Duration `yaml:"grace" range:"0s..1h"`
}

// CrossOrigin is the `cross_origin` section.
type CrossOrigin struct {
	// AllowedOrigins may call with the cookie beside our own origin, spelt exactly as a browser
	// sends them. Default none. "*" is refused.
	AllowedOrigins []string `yaml:"allowed_origins"`
}

// RateLimits is the `rate_limits` section. Replicas share the counts.
type RateLimits struct {
	// Login bounds attempts to sign in.
	Login LoginLimits `yaml:"login"`
	// Refresh bounds requests to refresh.
	Refresh RefreshLimits `yaml:"refresh"`
}

// LoginLimits bounds attempts to sign in. For IPv6 the /48 around an address counts as well, with
// half as much again.
type LoginLimits struct {
	// PerIP counts every attempt of one client address (IPv6: its /64). Default 20/1m.
	PerIP Rate `yaml:"per_ip"`
	// PerUsernameAndIP counts failures for one user name from one client address (IPv6: its /64),
	// so that strangers cannot lock a user out. Default 5/1m.
	PerUsernameAndIP Rate `yaml:"per_username_and_ip"`
	// StartPerIP counts sign-ins that begin at a provider's own page, of one client address (IPv6:
	// its /64). Default 120/1m.
	StartPerIP Rate `yaml:"start_per_ip"`
}

// RefreshLimits bounds refused requests to refresh.
type RefreshLimits struct {
	// PerIP counts refused requests of one client address (IPv6: its /64). Those of a live session
	// are never refused: many people share an address. Default 60/1m.
	PerIP Rate `yaml:"per_ip"`
}

func checkLimits(c *checker) {
	if c.wrote("explicit_tokens.grace") && c.config.ExplicitTokens.Grace > 0 && !c.config.ExplicitTokens.Enabled {
		c.warn("explicit_tokens.grace", "has no effect while explicit_tokens.enabled is false")
	}
	seen := make(map[string]bool)
	for i, o := range c.config.CrossOrigin.AllowedOrigins {
		checkOrigin(c, index("cross_origin.allowed_origins", i), o, seen)
	}
}

func checkOrigin(c *checker, path, origin string, seen map[string]bool) {
	const example = "write https://other.example.com"
	switch {
	case origin == "*" || origin == "null":
		c.problem(path, origin+" would let every site act as the signed-in user", example)
		return
	case seen[origin]:
		c.problem(path, c.quote(path, origin)+" is listed twice", "remove it")
	}
	seen[origin] = true
	if _, what := parseOrigin(origin); what != "" {
		c.problem(path, what, example)
	}
}
