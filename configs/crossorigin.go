package configs

// CrossOrigin is the `cross_origin` section.
type CrossOrigin struct {
	// AllowedOrigins may call with the cookie beside our own origin, spelt exactly as a browser
	// sends them. Default none. "*" is refused.
	AllowedOrigins []string `yaml:"allowed_origins"`
}

func checkCrossOrigin(c *checker) {
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
