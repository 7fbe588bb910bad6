// Package seal encrypts and authenticates bytes that leave the gateway, so that only it can make or
// read them. It knows keys, and no sessions, cookies or stores.
//
// There are two kinds, because they go to different places:
//
//   - Handles go to the browser or to a mobile client. They are gorilla/securecookie values, signed
//     and encrypted. Each has exactly one spelling: the gateway caches by the raw value, so a
//     second spelling of a handle would be a way around an invalidation. Whatever does not open
//     is ErrUnauthentic and nothing more: the sender of a forged value must not learn how far it
//     got.
//   - Fields go to Redis. They are XChaCha20-Poly1305 ciphertexts bound to the session and the
//     field they were made for, so that somebody who can write to Redis cannot move an admin's
//     identity into a session of his own. They name the key that sealed them, because a missing key
//     is the operator's fault (ErrUnknownKey, keep the session) and a damaged value is not
//     (ErrTampered).
//
// Both use a key ring with one rule: the newest key whose From has come seals, and every key opens.
// Every key means also those whose From has not come yet: a replica whose clock is ahead may
// already seal with them. Of two keys with the same From the one listed first is the newer. So an
// operator deploys a new key with a later From, and removes the old one when everything that it
// sealed has expired; neither step signs anybody out.
//
// The 32 bytes of a ring key are never used directly. Each use gets its own key by HKDF-SHA256 (RFC
// 5869) with a label, so that values of one kind never open as another kind, even when an operator
// gives both rings the same file.
package seal
