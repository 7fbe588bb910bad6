// Package oidc is the provider for every OpenID Connect identity provider. It
// finds the provider's endpoints by discovery, sends the browser there with PKCE,
// state and nonce, turns the code into tokens, refreshes and revokes them, and
// checks what the provider says on the back channel.
//
// # The story of one login
//
// authorize.go makes the URL from an attempt. exchange.go takes the answer. It first checks the
// issuer (RFC 9207) and whether the answer is an error, since that costs no call. Then come one
// POST to the token endpoint (tokenendpoint.go), the ID token (idtoken.go), userinfo if wanted,
// and what the attempt demanded of the sign-in (max_age, acr_values). identity.go reads the user
// out of the claims.
//
// A [Provider] has three parts: client makes every call and proves who we are, discovery
// remembers the provider's document, users tells who signed in.
//
// # Decisions
//
//   - The discovery document is read when it is first needed: a provider that is down neither
//     keeps the gateway from starting nor signs anybody out. After that the document is read
//     again in the background, and nobody waits for it.
//   - Signatures are checked by session/token, with golang-jwt: by the key that the
//     token's kid names, else by every key of its type, since neither tokens nor
//     keys need have a kid (RFC 7515 §4.1.4, RFC 7517 §4.5). Strangers with forged
//     logout tokens cannot make us fetch the keys often; a token that came from the
//     token endpoint can, because a provider may change its key at any time.
//   - Claims are read from the raw document by their exact names (RFC 7519 §4).
//     encoding/json would take "SUB" for sub.
//   - A refresh is exactly one POST. x/oauth2's token source would hide rotation
//     and repeat calls; it is used for PKCE only.
//   - A refusal is one of the codes that concern this user ([session.AboutUser]).
//     Codes that concern the client are the configuration's fault; a few of those,
//     and answers without a code, are in doubt ([session.FaultError]): they end a
//     session only when they repeat while other sessions are refreshed.
//   - A refreshed ID token with another nonce than the one before is dropped (Core
//     §12.2).
//   - After a refresh the tokens are kept whatever becomes of the ID token that
//     came with them: the old refresh token is spent. An ID token that cannot be
//     verified is dropped; one that names somebody else ends the session.
//   - Algorithms are the intersection of discovery and an allow-list that can
//     hold asymmetric ones only, so neither "none" nor an HMAC under a public key
//     is ever tried (RFC 8725 §3.1, §3.2).
//   - One client makes every call (client.go). It trusts whom the configuration
//     says, follows no redirect and reads no reply past 1 MiB.
package oidc
