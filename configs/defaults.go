package configs

import (
	"reflect"
	"time"
)

// Default is the configuration of an empty file. It does not pass the checks: server.public_url and
// a store have to be written.
func Default() Config {
	return Config{
		Server: Server{
			Listen:          ":8080",
			Admin:           "127.0.0.1:9090",
			AuthPrefix:      "/auth",
			AdminHosts:      []string{},
			TrustedProxies:  []string{},
			ForwardedHeader: "X-Forwarded-For",
			HSTS:            Duration(365 * Day),
			HTTP1:           "fast",
			Limits: ServerLimits{
				Header: 32 * KiB, Body: 10 * MiB,
				HeaderTimeout: Duration(10 * time.Second), BodyTimeout: Duration(30 * time.Second),
				BodyRate: 500 * B, WriteTimeout: Duration(time.Minute),
				Requests: 10_000,
			},
			DrainTimeout: Duration(20 * time.Second),
		},
		Log: Log{Level: "info", Format: "json", Access: "off"},
		Session: Session{
			IdleTimeout:      Duration(12 * time.Hour),
			AbsoluteLifetime: Duration(14 * Day),
			Grace:            Duration(30 * time.Second),
			CacheTTL:         Duration(5 * time.Second),
			SameSite:         "strict",
			ClearSiteData:    "off",
			PerUser:          PerUser{Max: 100, WhenFull: "evict"},
			LoginPage:        "/auth/login",
			AfterLogout:      "/auth/logout/done",
		},
		Pages:       newPages(),
		CrossOrigin: CrossOrigin{AllowedOrigins: []string{}},
		RateLimits: RateLimits{
			Login: LoginLimits{
				PerIP:            Rate{Limit: 20, Per: time.Minute},
				PerUsernameAndIP: Rate{Limit: 5, Per: time.Minute},
				StartPerIP:       Rate{Limit: 120, Per: time.Minute},
			},
			Refresh: RefreshLimits{PerIP: Rate{Limit: 60, Per: time.Minute}},
		},
	}
}

// newElement makes a list entry or an optional section with the defaults it starts from, which
// cannot stand in Default because there the list is empty and the section absent.
func newElement(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	switch e := v.Addr().Interface().(type) {
	case *Redis:
		*e = Redis{Mode: "standalone", KeyPrefix: "sg:"}
	case *LocalProvider:
		*e = LocalProvider{AccessLifetime: Duration(10 * time.Minute), PasswordChange: "end"}
	case *TokenAPIProvider:
		*e = newTokenAPI()
	case *TokenAPICapture:
		*e = TokenAPICapture{Methods: []string{"POST"}, Statuses: []int{200, 201}}
	case *OIDCProvider:
		*e = newOIDC()
	case *Route:
		*e = Route{
			Methods:         []string{},
			Session:         "required",
			Unauthenticated: "401",
			Timeout:         Duration(30 * time.Second),
			Match:           "prefix",
			Case:            "insensitive",
			Redirects:       "self",
			Protocol:        "http1",
			ConnectTimeout:  Duration(5 * time.Second),
			Retries:         2,
		}
	case *Health:
		*e = Health{
			Interval: Duration(5 * time.Second), Timeout: Duration(2 * time.Second), Healthy: 2, Unhealthy: 2,
		}
	case *CORS:
		*e = CORS{
			Methods: []string{}, Headers: []string{}, Expose: []string{}, MaxAge: Duration(10 * time.Minute),
		}
	}
	return v
}
