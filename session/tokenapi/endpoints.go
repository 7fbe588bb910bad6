package tokenapi

import (
	"errors"
	"net/url"
)

// endpoints are those of an API; one that it does not have is nil, login never.
type endpoints struct {
	login, refresh, logout *endpoint
	me                     *endpoint // says who a token belongs to
}

// newEndpoints compiles the endpoints of o, to which kept values and tokens go as forward has them.
func newEndpoints(o *Options, kept keepLines, forward forwardLines) (e endpoints, err error) {
	atLogin := &scope{names: []string{username, password}, extra: append([]string{}, o.Login.Extra...), values: o.Values, environment: o.Environment}
	later := &scope{
		names: []string{refreshToken, accessToken, subject}, claims: true, keep: kept.names(),
		values: o.Values, environment: o.Environment,
	}
	token := forward.authorization()
	var errs [4]error
	e.login, errs[0] = newEndpoint("login", o.Login, atLogin, token)
	e.refresh, errs[1] = newEndpoint("refresh", o.Refresh, later, token)
	e.logout, errs[2] = newEndpoint("logout", o.Logout, later, token)
	e.me, errs[3] = newEndpoint("me", o.Me, later, token)
	return e, errors.Join(errs[:]...)
}

// urls are where tokens are taken or given away.
func (e endpoints) urls() (list []*url.URL) {
	for _, one := range []*endpoint{e.login, e.refresh, e.logout} {
		if one != nil {
			u := *one.url
			list = append(list, &u)
		}
	}
	return list
}
