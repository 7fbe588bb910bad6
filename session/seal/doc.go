// Package seal turns plain bytes into bytes that only this gateway can make or read. It knows keys
// and nothing else: no sessions, no cookies, no store.
//
// There are two kinds of sealed things, because they travel to different places:
//
//   - Handles go to the browser or to a mobile client. They are gorilla/securecookie values, signed
//     and encrypted, in exactly one spelling each: the gateway keys a cache by the raw value, so a
//     second spelling of one handle would be a way around an invalidation. Whatever does not open
//     is ErrUnauthentic and nothing more, since the sender of a forged value must not learn how far
//     it got.
//   - Fields go to Redis. They are XChaCha20-Poly1305 ciphertexts bound to the session and the
//     field they were made for, so that somebody who can write to Redis cannot move an admin's
//     identity into a session of his own. They name the key that sealed them, because a missing key
//     is the operator's fault (ErrUnknownKey, keep the session) and a damaged value is not
//     (ErrTampered).
//
// Both use a key ring with one rule: the newest key whose From has come seals, every key opens.
// That includes keys whose time has not come yet: a replica whose clock is ahead may already seal
// with them. Two keys with the same From: the one listed first is the newer. So a new key is
// deployed with a later From, and the old one is removed after the longest lifetime of what it
// sealed; nobody is logged out by either step.
//
// The 32 bytes of a ring key are never used directly. Each use gets its own key by HKDF-SHA256 (RFC
// 5869) with a label, so that values of one kind never open as another kind, even when an operator
// gives both rings the same file.
package seal
