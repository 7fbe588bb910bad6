package routing

import "slices"

// demandsMore reports whether the entry lets something not pass that the route lets pass. nil is
// what the gateway answers itself.
func (e *entry) demandsMore(than *Route) bool {
	switch {
	case than == nil:
		return false
	case e.route == nil:
		return true
	}
	return e.route.demandsMore(than)
}

func (r *Route) demandsMore(than *Route) bool {
	return r.Access.Session < than.Access.Session || // the stricter, the smaller
		!than.Access.Require.implies(&r.Access.Require) ||
		!than.methodsWithin(r) ||
		than.MaxBody() > r.MaxBody()
}

// methodsWithin reports whether the other route allows every method that r allows.
func (r *Route) methodsWithin(other *Route) bool {
	if len(r.Access.Methods) == 0 {
		return len(other.Access.Methods) == 0
	}
	return !slices.ContainsFunc(r.Access.Methods, func(m string) bool { return !other.AllowsMethod(m) })
}

// implies reports whether everybody who meets r meets other, too.
func (r *Require) implies(other *Require) bool {
	return within(r.Roles, r.All, other.Roles, other.All) && within(r.Scopes, r.All, other.Scopes, other.All) &&
		(other.AuthAge == 0 || r.AuthAge > 0 && r.AuthAge <= other.AuthAge) &&
		within(r.ACR, false, other.ACR, false)
}

// within reports whether whoever has some of the words (or all) has some of the other list (or
// all).
func within(have []string, all bool, want []string, wantAll bool) bool {
	in := func(list []string) func(string) bool { return func(w string) bool { return slices.Contains(list, w) } }
	missing := slices.ContainsFunc(want, func(w string) bool { return !slices.Contains(have, w) })
	switch {
	case len(want) == 0:
		return true
	case len(have) == 0:
		return false
	case wantAll && len(want) > 1:
		return (all || len(have) == 1) && !missing
	case all:
		return slices.ContainsFunc(want, in(have))
	}
	return !slices.ContainsFunc(have, func(w string) bool { return !slices.Contains(want, w) })
}
