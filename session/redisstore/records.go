package redisstore

import (
	"fmt"

	"sessiongate/session"
)

// records seals what is secret of a session, and opens it again.
type records struct{ sealer Sealer }

// read reads and opens the session at the end of a reply; nil if it has none.
func (s records) read(doing string, id session.ID, from *reply) (*session.Record, error) {
	r, sealed, found := from.session()
	if from.bad {
		return nil, unavailable(doing, errReply)
	}
	if !found {
		return nil, nil //nolint:nilnil // no session is an ordinary answer
	}
	r.ID = id
	if err := s.open(&r, sealed); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return &r, nil
}

// open fills in what the sealed record holds.
func (s records) open(r *session.Record, from sealed) error {
	plain, err := s.sealer.Open(string(r.ID), recordField, []byte(from.record))
	if err != nil {
		return fmt.Errorf("%w: session %s: %w", session.ErrSealed, r.ID, err)
	}
	p, err := decodeRecord(plain)
	if err != nil {
		return fmt.Errorf("%w: session %s: %w", session.ErrSealed, r.ID, err)
	}
	if p.bound {
		if err := s.proved(r, from.record, from.proof); err != nil {
			return err
		}
	}
	r.Identity, r.Device, r.Tokens, r.Created = p.identity, p.device, p.tokens, p.created
	return nil
}

func (s records) seal(id session.ID, p sealedRecord) ([]byte, error) {
	sealed, err := s.sealer.Seal(string(id), recordField, encodeRecord(p))
	if err != nil {
		return nil, fmt.Errorf("%w: seal record: %w", session.ErrSealed, err)
	}
	return sealed, nil
}
