package configs

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
