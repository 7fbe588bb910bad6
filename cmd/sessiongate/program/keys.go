package program

import (
	"fmt"
	"time"

	"sessiongate/configs"
	"sessiongate/session/seal"
	"sessiongate/session/token"
)

// keyRings are the parsed keys.
type keyRings struct {
	cookies      *seal.Handles
	tokenClients *seal.Handles // from the same ring, under another label
	marks        *seal.Handles // likewise
	fields       *seal.Fields
	signing      *token.Ring // nil: no local provider signs
	ephemeral    bool        // in memory, because none were given
}

func readKeys(k *configs.Keys, now func() time.Time) (r keyRings, err error) {
	cookie, ephemeral1, err := sealKeys(k.Cookie)
	if err != nil {
		return r, fmt.Errorf("keys.cookie: %w", err)
	}
	sealing, ephemeral2, err := sealKeys(k.Seal)
	if err != nil {
		return r, fmt.Errorf("keys.seal: %w", err)
	}
	r.ephemeral = ephemeral1 || ephemeral2
	if r.cookies, err = seal.NewHandles("cookie", cookie, now); err != nil {
		return r, fmt.Errorf("keys.cookie: %w", err)
	}
	if r.tokenClients, err = seal.NewHandles("explicit", cookie, now); err != nil {
		return r, fmt.Errorf("keys.cookie: %w", err)
	}
	if r.marks, err = seal.NewHandles("stale", cookie, now); err != nil {
		return r, fmt.Errorf("keys.cookie: %w", err)
	}
	if r.fields, err = seal.NewFields(sealing, now); err != nil {
		return r, fmt.Errorf("keys.seal: %w", err)
	}
	signing, err := signingKeys(k.Signing)
	if err != nil {
		return r, fmt.Errorf("keys.signing: %w", err)
	}
	if r.signing, err = token.NewRing(signing, now); err != nil {
		return r, fmt.Errorf("keys.signing: %w", err)
	}
	return r, nil
}

func sealKeys(list []configs.Key) (keys []seal.Key, ephemeral bool, err error) {
	for _, k := range list {
		secret, err := seal.ParseKey([]byte(k.Material.Reveal()))
		if err != nil {
			return nil, false, fmt.Errorf("%s: %w", k.ID, err)
		}
		keys = append(keys, seal.Key{ID: k.ID, Secret: secret, From: time.Time(k.From)})
	}
	if len(keys) > 0 {
		return keys, false, nil
	}
	secret, err := seal.ParseKey([]byte(seal.GenerateKey()))
	return []seal.Key{{ID: "memory", Secret: secret}}, true, err
}

func signingKeys(list []configs.SigningKey) ([]token.SigningKey, error) {
	var keys []token.SigningKey
	for _, k := range list {
		parse := token.ParseSigningKey
		if k.Alg == token.HS256 {
			parse = token.HMACKey
		}
		key, err := parse(k.ID, []byte(k.Material.Reveal()))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.ID, err)
		}
		if k.Alg == token.Ed25519 {
			key = key.Fully()
		}
		key.From = time.Time(k.From)
		keys = append(keys, key)
	}
	if len(keys) > 0 {
		return keys, nil
	}
	pem, err := token.GenerateSigningKey(token.EdDSA)
	if err != nil {
		return nil, err
	}
	key, err := token.ParseSigningKey("memory", pem)
	return []token.SigningKey{key}, err
}
