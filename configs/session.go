package configs

import (
	"strings"
	"time"
)

// Session is the `session` section: how long a session lives and what its cookie is like.
type Session struct {
	// IdleTimeout ends a session nobody used for so long. Default 12h, or absolute_lifetime where
	// that is shorter; 1s to 365d.
	IdleTimeout Duration `yaml:"idle_timeout" range:"1s..365d"`
	// AbsoluteLifetime ends a session at this age, used or not. Default 14d, 1s to 365d.
	AbsoluteLifetime Duration `yaml:"absolute_lifetime" range:"1s..365d"`
	// Grace is how long the handle before the current one is still answered after the current one
	// was seen. Default 30s, or a quarter of the access token's lifetime where that is shorter.
	// Written: below half of every access_lifetime. Zero: not at all, and parallel requests may be
	// refused. 0 to 1h.
	Grace Duration `yaml:"grace" range:"0s..1h"`
	// ClearSiteData makes the answer to a sign-out by POST tell the browser to drop what it has
	// cached of this origin (Clear-Site-Data: "cache"): off or logout. Default off: Chromium may
	// take seconds over it.
	ClearSiteData string `yaml:"clear_site_data" oneof:"off logout"`
	// CacheTTL is how old an answer about a session may be that is given without asking Redis.
	// Default 5s, 0 to 1m. Zero: strict, one Redis command per request.
	CacheTTL Duration `yaml:"cache_ttl" range:"0s..1m"`
	// SameSite of the session cookie: strict or lax. Default strict. none is refused.
	SameSite string `yaml:"same_site"`
	// PerUser caps the sessions of one user.
	PerUser PerUser `yaml:"per_user"`
	// LoginPage is the path of the page to sign in on: the gateway's own, or the app's, which posts
	// JSON to <auth_prefix>/login. Default <auth_prefix>/login.
	LoginPage string `yaml:"login_page"`
	// AfterLogout is the path that a logout leads to where the request names none: the gateway's
	// own page, or one of the app's. Default <auth_prefix>/logout/done.
	AfterLogout string `yaml:"after_logout"`
}

// PerUser caps the sessions of one user.
type PerUser struct {
	// Max is the number of sessions. Default 100, 0 to 100000. Zero: no cap.
	Max int `yaml:"max" range:"0..100000"`
	// WhenFull says what a login does at the cap: evict ends the oldest session, refuse refuses the
	// login. Default evict.
	WhenFull string `yaml:"when_full" oneof:"evict refuse"`
}

// deriveSession lets defaults give way to what was written.
func deriveSession(c *checker) {
	s := &c.config.Session
	if !c.wrote("session.idle_timeout") {
		s.IdleTimeout = min(s.IdleTimeout, s.AbsoluteLifetime)
	}
	if !c.wrote("session.login_page") {
		s.LoginPage = c.config.Server.AuthPrefix + "/login"
	}
	if !c.wrote("session.after_logout") {
		s.AfterLogout = c.config.Server.AuthPrefix + "/logout/done"
	}
}

func checkSession(c *checker) {
	s := &c.config.Session
	if c.wrote("session.idle_timeout") && s.IdleTimeout > s.AbsoluteLifetime && !c.anyBroken("session.absolute_lifetime") {
		c.problem("session.idle_timeout", s.IdleTimeout.String()+" is longer than absolute_lifetime ("+s.AbsoluteLifetime.String()+")",
			"write at most "+s.AbsoluteLifetime.String())
	}
	checkSameSite(c)
	if c.wrote("session.login_page") {
		checkLoginPage(c)
	}
	if c.wrote("session.after_logout") {
		checkAfterLogout(c)
	}
}

func checkAfterLogout(c *checker) {
	const path = "session.after_logout"
	page, prefix := c.config.Session.AfterLogout, c.config.Server.AuthPrefix
	switch own := prefix + "/logout/done"; {
	case !strings.HasPrefix(page, "/") || !canonicalPath(page):
		c.problem(path, "is not a plain path on this origin", "write after_logout: "+own)
	case page != own && under(page, prefix) && !c.anyBroken("server.auth_prefix"):
		c.problem(path, "lies under "+prefix+", where the gateway has no such page", "write after_logout: "+own)
	}
}

// checkSameSite is by hand, because "none" deserves its reason.
func checkSameSite(c *checker) {
	const path = "session.same_site"
	switch s := c.config.Session.SameSite; s {
	case "strict", "lax":
	case "none":
		c.problem(path, "none would send the session with requests that other sites make", "write same_site: strict")
	default:
		c.problem(path, c.quote(path, s)+" is not one of strict, lax", "write same_site: strict")
	}
}

func checkLoginPage(c *checker) {
	const path = "session.login_page"
	page, prefix := c.config.Session.LoginPage, c.config.Server.AuthPrefix
	switch {
	case !strings.HasPrefix(page, "/"):
		c.problem(path, "is not a path on this origin", "write login_page: "+prefix+"/login")
	case !canonicalPath(page):
		c.problem(path, "is not a plain path", "write login_page: "+prefix+"/login")
	case page != prefix+"/login" && under(page, prefix) && !c.anyBroken("server.auth_prefix"):
		c.problem(path, "lies under "+prefix+", where the gateway has no such page", "write login_page: "+prefix+"/login")
	}
}

// deriveGrace shortens the default to what fits the shortest access token.
func deriveGrace(c *checker) {
	if c.wrote("session.grace") {
		return
	}
	for i := range c.config.Providers {
		if local := c.config.Providers[i].Local; local != nil {
			c.config.Session.Grace = min(c.config.Session.Grace, sensibleGrace(local.AccessLifetime))
		}
	}
}

// checkAccess holds one provider's access lifetime against the session's times.
func checkAccess(c *checker, path string, access Duration) {
	s := &c.config.Session
	if c.wrote(path) && access > s.IdleTimeout && !c.anyBroken("session.idle_timeout") {
		c.problem(path, access.String()+" is longer than session.idle_timeout ("+s.IdleTimeout.String()+")",
			"write at most "+s.IdleTimeout.String())
	}
	if c.wrote("session.grace") && s.Grace >= (access+1)/2 && !c.anyBroken(path) {
		c.problem("session.grace", s.Grace.String()+" is half of the access_lifetime ("+access.String()+") or more",
			"write at most "+sensibleGrace(access).String()+", or remove it")
	}
}

// sensibleGrace is the longest default for an access lifetime: a quarter, in whole seconds where
// there are any.
func sensibleGrace(access Duration) Duration {
	grace := min(30*time.Second, time.Duration(access)/4)
	if grace >= time.Second {
		grace = grace.Truncate(time.Second)
	}
	return Duration(grace)
}
