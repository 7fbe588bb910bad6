// Package oidctest is an OpenID Connect provider inside the test's process: real
// discovery, keys, authorization page, token endpoint with PKCE and client
// authentication, refresh rotation with reuse detection that kills the grant,
// revocation, logout page and logout tokens. [Behaviour] has a switch for every
// way in which a provider can fail or lie. It listens on 127.0.0.1, so that for a
// gateway on localhost it is another site.
package oidctest
