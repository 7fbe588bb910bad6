package configs

// Config is the whole file. Default gives every value that is used when a key is left out.
type Config struct {
	Server         Server         `yaml:"server"`
	Log            Log            `yaml:"log"`
	Store          Store          `yaml:"store"`
	Keys           Keys           `yaml:"keys"`
	Session        Session        `yaml:"session"`
	Pages          Pages          `yaml:"pages"`
	Providers      []Provider     `yaml:"providers"`
	ExplicitTokens ExplicitTokens `yaml:"explicit_tokens"`
	CrossOrigin    CrossOrigin    `yaml:"cross_origin"`
	RateLimits     RateLimits     `yaml:"rate_limits"`
	Routes         []Route        `yaml:"routes"`

	from *report // where its values come from; nil: nobody wrote them
}

// check runs the checks of every section. The order does not matter: problems are sorted by line.
func check(c *checker) {
	checkServer(c)
	checkStore(c)
	checkKeys(c)
	checkSession(c)
	checkPages(c)
	checkProviders(c)
	checkExplicitTokens(c)
	checkCrossOrigin(c)
	checkRoutes(c)
}
