package program

import (
	"sessiongate/configs"
	"sessiongate/session"
	"sessiongate/session/ratelimit"
)

// rateLimits are the rate limits of a configuration. They are counted in the store, so that
// replicas share them.
func rateLimits(c *configs.RateLimits) ratelimit.Limits {
	return ratelimit.Limits{
		LoginPerIP:        rate(c.Login.PerIP),
		LoginPerNameAndIP: rate(c.Login.PerUsernameAndIP),
		StartPerIP:        rate(c.Login.StartPerIP),
		RefreshPerIP:      rate(c.Refresh.PerIP),
	}
}

func rate(r configs.Rate) ratelimit.Rate { return ratelimit.Rate{Limit: r.Limit, Per: r.Per} }

// sessionLimit is how many sessions one user may have.
func sessionLimit(c configs.PerUser) session.UserLimit {
	return session.UserLimit{Max: c.Max, Refuse: c.WhenFull == "refuse"}
}
