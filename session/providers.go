package session

import "fmt"

// Providers are those that are configured, in the order they were given.
type Providers struct {
	list   []Provider
	byName map[string]Provider
}

// NewProviders returns the providers of a list. Two must not have one name.
func NewProviders(list []Provider) (*Providers, error) {
	ps := &Providers{list: list, byName: make(map[string]Provider, len(list))}
	for _, p := range list {
		if ps.byName[p.Name()] != nil {
			return nil, fmt.Errorf("session: provider %q is named twice", p.Name())
		}
		ps.byName[p.Name()] = p
	}
	return ps, nil
}

// All returns them in their order.
func (ps *Providers) All() []Provider { return ps.list }

// Find returns the provider of that name, or nil.
func (ps *Providers) Find(name string) Provider { return ps.byName[name] }

// ProvidersThatAre returns the names of those that implement P, in their order.
func ProvidersThatAre[P any](ps *Providers) (names []string) {
	for _, p := range ps.list {
		if _, ok := p.(P); ok {
			names = append(names, p.Name())
		}
	}
	return names
}
