// Package masking takes the tokens of a login API out of that API's other answers, so that no
// script of a page can fetch one. It knows JSON, header fields and the shape of tokens, and
// nothing of requests, sessions or configuration.
//
// [Rules] say where the API puts its tokens (rules.go). A [Judge] knows tokens elsewhere by their
// text; a [Family] helps it to tell the JWTs of one API from those of others (jwt.go). A [Reader]
// masks a body as it streams (reader.go), [Rules.Strip] the header (header.go).
//
// # Decisions
//
// At the very place where the API answers a login with a token, any text is one. Under the last
// name of such a place anywhere else, and in a string that begins as a JWT does, the judge decides:
// "token" also names invitations, push tokens and tickets for other services.
//
// A masked string becomes the placeholder, in quotes, and as many spaces as bring it to the length
// it had: white space is free between the tokens of JSON (RFC 8259 §2). So lengths and framing
// stay, a body is masked where it lies in the buffer, and one without tokens leaves as it came, byte
// by byte. A string shorter than the placeholder gets the beginning of it.
//
// Nearly all answers have no token. So a body is first searched only for the names and for the
// beginning of a JWT (quick.go), which costs a few per cent of what reading the structure would
// (scanner.go). What was passed on unread stays in the window, 32 KiB at most: if a name turns up,
// the structure of what was before it is read then, since the place of a string is known only from
// there.
//
// The structure is read without recursion. Of the first 17 containers that are open at once the
// place is known, deeper ones are only counted: no place is that deep. A string is a key if a colon
// follows. What is no JSON is passed on as it is, and confuses nobody for longer than a line of an
// event stream.
//
// A string is held back until it ends only if it may be a name, stands under one, or begins as a
// JWT; at most 16 KiB of it, which is longer than any token that a header could carry. The text at
// the very place is blanked as it comes, whatever its length.
package masking
