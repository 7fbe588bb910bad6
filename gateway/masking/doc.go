// Package masking takes the tokens of a login API out of that API's other answers, so that no
// script of a page can fetch one. It knows JSON, header fields and the shape of tokens, and
// nothing of requests, sessions or configuration.
//
// [Rules] say where the API puts its tokens (rules.go). A [Judge] knows tokens elsewhere by their
// text; a [Family] helps it to tell the JWTs of one API from those of others (jwt.go). A [Reader]
// masks a body as it streams: first the strings of JSON by their place (values.go, scanner.go), then
// text of any kind (sieve.go, needle.go). [Rules.Strip] and [Rules.StripTokens] mask the header
// (header.go), and [Packed] watches compressed scripts and styles (packed.go).
//
// # Decisions
//
// At the very place where the API answers a login with a token, any text is one. Under the last
// name of such a place anywhere else, and in a string that begins as a JWT does, the judge decides:
// "token" also names invitations, push tokens and tickets for other services. A name with refresh and
// token in it names nothing else: under those of places, and under refresh_token and refreshToken
// whatever the places are, any text of 20 token characters or more is a token, as a GraphQL answer has
// the same tokens in another shape than the login.
//
// The token that the request itself carried goes wherever it stands: in longer strings ("Bearer …",
// addresses), in pages for debugging, scripts, text, XML. Where its characters need it, it is known in
// the notations of JSON, JavaScript, addresses and HTML, mixed as they may be; not in base64, nor in
// two notations at once. One of less than 8 bytes is not looked for: it would be found in words. The
// JWTs of the API go wherever they stand, too; as long as none of its tokens was seen, every JWT does, but
// not in pages and scripts, which have public ones. Refresh tokens that are no JWTs are known as whole
// strings only: a session has no more than a digest of its own.
//
// A masked string becomes the placeholder, in quotes, and as many spaces as bring it to the length
// it had: white space is free between the tokens of JSON (RFC 8259 §2). Within longer text the spaces
// follow the placeholder, of which only what means nothing in HTML, scripts or addresses is used. So
// lengths and framing stay, a body is masked where it lies in the buffer, and one without tokens leaves
// as it came, byte by byte. A token shorter than the placeholder gets the beginning of it.
//
// Nearly all answers have no token. So a body is first searched only for the names and for the
// beginning of a JWT (quick.go, pair.go), which costs a few per cent of what reading the structure would
// (scanner.go). What was passed on unread stays in the window, 32 KiB at most: if a name turns up,
// the structure of what was before it is read then, since the place of a string is known only from
// there.
//
// The structure is read without recursion. Of the first 17 containers that are open at once the
// place is known, deeper ones are only counted: no place is that deep. A string is a key if a colon
// follows. What is no JSON confuses nobody for longer than a line of an event stream. JSON whose
// characters have two bytes or four is refused: nobody but a script that means harm would read it.
//
// A string is held back until it ends only if it may be a name, stands under one, or begins as a
// JWT; at most 16 KiB of it, which is longer than any token that a header could carry. Text is held
// back only as long as it may still become a token. The text at the very place is blanked as it comes,
// whatever its length.
//
// A script or style in gzip is undone only to be searched: what goes on is what came, and it breaks
// off in front of the end of a token. A placeholder cannot be put into it.
package masking
