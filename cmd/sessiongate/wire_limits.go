package main

import (
	"sessiongate/configs"
	"sessiongate/gateway"
	"sessiongate/session"
)

// limit wires the rate limits: counted in the store, so that replicas share them.
func (g *assembled) limit(o *gateway.Options, audit session.Recorder) {
	c := g.config.RateLimits
	o.Limiter, o.Recorder = g.store, audit
	o.Limits = session.Limits{
		LoginPerIP:        rate(c.Login.PerIP),
		LoginPerNameAndIP: rate(c.Login.PerUsernameAndIP),
		StartPerIP:        rate(c.Login.StartPerIP),
		RefreshPerIP:      rate(c.Refresh.PerIP),
	}
}

func rate(r configs.Rate) session.Rate { return session.Rate{Limit: r.Limit, Per: r.Per} }

// sessionCap is how many sessions one user may have.
func sessionCap(c configs.PerUser) session.SessionLimit {
	return session.SessionLimit{Max: c.Max, Refuse: c.WhenFull == "refuse"}
}
