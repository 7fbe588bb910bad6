package web

import _ "embed" // the client library

//go:embed client.js
var clientScript string

// ClientScript returns the client library, an ES module that apps load from the gateway. Each call
// returns a copy.
func ClientScript() []byte { return []byte(clientScript) }
