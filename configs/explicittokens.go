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

func checkExplicitTokens(c *checker) {
	if c.wrote("explicit_tokens.grace") && c.config.ExplicitTokens.Grace > 0 && !c.config.ExplicitTokens.Enabled {
		c.warn("explicit_tokens.grace", "has no effect while explicit_tokens.enabled is false")
	}
}
