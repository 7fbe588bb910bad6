// Package tokenapi is the provider for apps whose backend already signs users in: an API with
// login, refresh and logout endpoints that answer with tokens. It puts such an API behind the
// session cookie by configuration alone; the API is not changed.
//
// A login relays the user name and the password in one request and takes the tokens out of the
// reply. A refresh spends the refresh token in one request. This package says only what an answer
// means: tokens, "no" or "not now". When to refresh, and what a failure means for the session, is
// decided in package refresh.
//
// # Decisions
//
//   - "No" is a 401, or a 400 with the error invalid_grant (RFC 6749 §5.2), unless the options name
//     other statuses or say by [Endpoint.Answers] what an answer means. To a refresh, a no without
//     JSON and every other 4xx are doubts, which package refresh weighs: a proxy may have said so.
//     Everything else, redirects included, is "not now": an answer that nobody foresaw must not
//     sign anybody out. So is a 2xx where lines say "ok" and none of them holds.
//   - What an API says of a login beside "no" comes out as one of a few fixed meanings. Its texts
//     were written for another page and may name people; they go nowhere.
//   - Redirects are never followed. Go's client would send the password again to wherever a 307
//     points.
//   - A request body is a parsed tree with places for values, not text with values pasted in: a
//     quote in a password changes nothing.
//   - Identity is what the API says, never the name that was typed. A token that came straight from
//     the API in reply to our own call may be read without checking its signature, as OpenID
//     Connect Core §3.1.3.7 no. 6 allows; with a key it is checked as well.
//   - A refresh that succeeded is not thrown away because something beside it failed: if the
//     identity cannot be read again, or the keys cannot be fetched, the session goes on as who it
//     was. The API has rotated, and nobody could bring the old token back.
//   - Replies are bounded. Their text is in no error, because it may hold tokens.
//   - What an operator is told of an answer ([Provider.Check], [Provider.Try]) is places, names and
//     types. A check sends nothing of a user, so that it can lock no account; a trial calls what
//     sessions call, and only listens to it.
package tokenapi
