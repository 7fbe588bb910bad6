package configs

import (
	"net/url"
	"strconv"
	"strings"
)

// Store is the `store` section: exactly one of Redis and Embedded.
type Store struct {
	// Redis is where sessions live. A lone URL (redis://user:${PW}@host:6379/0, or rediss:// for
	// TLS) is short for it; a password with other than letters, digits and -._~ has to be
	// percent-encoded there.
	Redis *Redis `yaml:"redis"`
	// Embedded keeps sessions in this process, for development: nothing survives a restart and no
	// other replica sees them. Default false.
	Embedded bool `yaml:"embedded"`
}

// Redis says how Redis is reached.
type Redis struct {
	// Addresses are host:port. One for standalone, the sentinels for sentinel, any nodes for
	// cluster. Required. A single redis:// or rediss:// URL is allowed instead and is taken apart
	// into the other keys.
	Addresses []string `yaml:"addresses,required" eg:"[\"redis:6379\"]"`
	// Mode is standalone, sentinel or cluster. Default standalone.
	Mode string `yaml:"mode" oneof:"standalone sentinel cluster"`
	// Master is the name the sentinels know the master by. Required for sentinel, refused
	// otherwise.
	Master string `yaml:"master"`
	// Username is the ACL user. Empty: the default user.
	Username string `yaml:"username"`
	// Password is the password, written as ${NAME} only. Empty: none.
	Password Secret `yaml:"password"`
	// PasswordFile is a file that holds the password. It is read again for each new connection.
	PasswordFile Path `yaml:"password_file"`
	// SentinelUsername is the ACL user at the sentinels. Empty: the default user. For sentinel
	// only, as are the next two.
	SentinelUsername string `yaml:"sentinel_username"`
	// SentinelPassword is the sentinels' own password, written as ${NAME} only. Empty: none.
	SentinelPassword Secret `yaml:"sentinel_password"`
	// SentinelPasswordFile is a file that holds it. It is read again for each new connection.
	SentinelPasswordFile Path `yaml:"sentinel_password_file"`
	// DB is the number of the database. Default 0, which is all that cluster has. 0 to 1000000.
	DB int `yaml:"db" range:"0..1000000"`
	// TLS switches TLS on, also when it is empty: {}. Default: absent.
	TLS *RedisTLS `yaml:"tls"`
	// KeyPrefix starts the name of every key and channel. Default "sg:". No braces: they would move
	// the hash slot.
	KeyPrefix string `yaml:"key_prefix"`
}

// RedisTLS says whom to trust, and who we are. The files are read again for each new connection.
type RedisTLS struct {
	// CAFile holds the PEM certificates to trust. Empty: the system's.
	CAFile Path `yaml:"ca_file"`
	// CertFile holds our own certificate in PEM, for a Redis with tls-auth-clients. Empty: none.
	CertFile Path `yaml:"cert_file"`
	// KeyFile holds the private key of CertFile in PEM.
	KeyFile Path `yaml:"key_file"`
}

// setShort takes the lone URL that stands for the whole section.
func (r *Redis) setShort(text string) string {
	if !isRedisURL(text) {
		return "write redis: {addresses: [\"redis:6379\"]}"
	}
	r.Addresses = []string{text}
	return ""
}

func isRedisURL(s string) bool {
	return strings.HasPrefix(s, "redis://") || strings.HasPrefix(s, "rediss://")
}

// expandRedisURL takes a lone URL apart into the other keys, so that everybody else sees one form
// only.
func expandRedisURL(c *checker) {
	r := c.config.Store.Redis
	if r == nil || len(r.Addresses) != 1 || !isRedisURL(r.Addresses[0]) {
		return
	}
	const path = "store.redis.addresses"
	u, err := url.Parse(r.Addresses[0])
	if err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		c.problem(path, "is not a Redis URL", "write redis://redis:6379/0")
		r.Addresses = nil
		return
	}
	r.Addresses = []string{redisAddress(u)}
	if u.Scheme == "rediss" && r.TLS == nil {
		r.TLS = &RedisTLS{}
	}
	redisUser(c, r, u)
	redisDB(c, r, u)
}

func redisAddress(u *url.URL) string {
	if u.Port() == "" {
		return u.Host + ":6379"
	}
	return u.Host
}

func redisUser(c *checker, r *Redis, u *url.URL) {
	if u.User == nil {
		return
	}
	if name := u.User.Username(); name != "" {
		conflict(c, "store.redis.username")
		r.Username = name
	}
	password, given := u.User.Password()
	if !given {
		return
	}
	if !c.position("store.redis.addresses[0]").fromEnv {
		c.problem("store.redis.addresses", "has a password in it", "write redis://user:${REDIS_PASSWORD}@host:6379, or password_file")
		return
	}
	conflict(c, "store.redis.password")
	conflict(c, "store.redis.password_file")
	r.Password = NewSecret(password)
}

func redisDB(c *checker, r *Redis, u *url.URL) {
	text := strings.TrimPrefix(u.Path, "/")
	if text == "" {
		return
	}
	db, err := strconv.Atoi(text)
	if err != nil || db < 0 || db > 1_000_000 {
		c.problem("store.redis.addresses", "has a path that is not the number of a database", "write redis://redis:6379/0")
		return
	}
	conflict(c, "store.redis.db")
	r.DB = db
}

// conflict reports a key that stands beside a URL which says the same.
func conflict(c *checker, path string) {
	if c.wrote(path) {
		c.problem(path, "is given by the URL in addresses as well", "write it in one place")
	}
}

// storeFiles looks at the certificates for Redis.
func storeFiles(f files, s *Store) {
	if s.Redis == nil || s.Redis.TLS == nil {
		return
	}
	f.named("store.redis.tls.ca_file", s.Redis.TLS.CAFile, false)
	f.pair("store.redis.tls", s.Redis.TLS.CertFile, s.Redis.TLS.KeyFile)
}

func checkStore(c *checker) {
	s := &c.config.Store
	switch {
	case c.anyBroken("store.redis", "store.embedded"):
		// what stands there cannot be told, so nothing can be said about the choice
	case s.Redis == nil && !s.Embedded:
		c.problem("store", "says neither redis nor embedded", `write redis: {addresses: ["redis:6379"]}, or embedded: true for development`)
	case s.Redis != nil && s.Embedded:
		c.problem("store.embedded", "stands beside redis", "write one of them")
	}
	if s.Redis != nil {
		checkRedis(c, s.Redis)
	}
	if s.Embedded && !c.loopback() {
		c.warn("store.embedded", "keeps sessions in this process only: a restart signs everyone out, and a second replica knows nobody")
	}
}

func checkRedis(c *checker, r *Redis) {
	const path = "store.redis"
	if len(r.Addresses) == 0 {
		c.problem(path+".addresses", "is empty", `write addresses: ["redis:6379"]`)
	}
	for i, a := range r.Addresses {
		checkRedisAddress(c, index(path+".addresses", i), a)
	}
	if strings.ContainsAny(r.KeyPrefix, "{}") || !printable(r.KeyPrefix) || r.KeyPrefix == "" {
		c.problem(path+".key_prefix", "is empty or has braces, spaces or control characters", `write key_prefix: "sg:"`)
	}
	if t := r.TLS; t != nil && (t.CertFile == "") != (t.KeyFile == "") {
		c.problem(path+".tls", "has one of cert_file and key_file", "write both, or none")
	}
	checkRedisMode(c, r)
	checkSentinelLogin(c, r)
}

func checkSentinelLogin(c *checker, r *Redis) {
	const path = "store.redis.sentinel_"
	for _, key := range []string{"username", "password", "password_file"} {
		if r.Mode != "sentinel" && c.wrote(path+key) {
			c.problem(path+key, "is for mode sentinel only", "write mode: sentinel, or remove it")
		}
	}
	if r.SentinelUsername != "" && !c.wrote(path+"password") && !c.wrote(path+"password_file") {
		c.problem(path+"username", "has no password beside it", "write sentinel_password: ${NAME}, or sentinel_password_file")
	}
}

func checkRedisAddress(c *checker, path, text string) {
	switch {
	case isRedisURL(text):
		c.problem(path, "is a URL among several addresses", "write host:port, or the URL alone")
	case !hostPort(text):
		c.problem(path, c.quote(path, text)+" is not host:port", "write redis:6379")
	}
}

func checkRedisMode(c *checker, r *Redis) {
	const path = "store.redis"
	switch {
	case r.Mode == "sentinel" && r.Master == "":
		c.problem(path+".master", "is missing: the sentinels are asked for it", "write master: mymaster")
	case r.Mode != "sentinel" && r.Master != "":
		c.problem(path+".master", "is for mode sentinel only", "write mode: sentinel, or remove it")
	}
	switch {
	case r.Mode == "cluster" && r.DB != 0:
		c.problem(path+".db", "a Redis Cluster has database 0 only", "write db: 0")
	case r.Mode == "standalone" && len(r.Addresses) > 1:
		c.problem(path+".addresses", "has several addresses for mode standalone", "write one, or mode: cluster or sentinel")
	}
}
