package users

import (
	"crypto/subtle"
	"fmt"

	"golang.org/x/crypto/scrypt"
)

const (
	// maxScryptWork bounds N times r times p: some three quarters of a second of one processor. It is
	// 2^20 in the strongest settings of the OWASP Password Storage Cheat Sheet.
	maxScryptWork  = 1 << 21
	maxScryptBlock = 32 // r
	maxScryptLanes = 32 // p
)

// scryptHash is scrypt (RFC 7914).
type scryptHash struct {
	cost, block, lanes int // N, r and p
	salt               []byte
	sum                []byte
}

// newScrypt holds a hash to the limits.
func newScrypt(cost, block, lanes uint64, salt, sum []byte) (storedHash, error) {
	if cost < 2 || cost&(cost-1) != 0 || block < 1 || lanes < 1 ||
		len(salt) < 1 || len(salt) > maxSalt || len(sum) < minSum || len(sum) > maxSum {
		return nil, errBadHash
	}
	if block > maxScryptBlock || lanes > maxScryptLanes || cost > maxScryptWork || cost*block*lanes > maxScryptWork {
		return nil, fmt.Errorf("asks for too much work: at most N·r·p = %d, r = %d and p = %d are accepted",
			maxScryptWork, maxScryptBlock, maxScryptLanes)
	}
	return scryptHash{cost: int(cost), block: int(block), lanes: int(lanes), salt: salt, sum: sum}, nil
}

// memoryKiB counts at least one slot: a small N may stand beside a large p.
func (s scryptHash) memoryKiB() int64 {
	return max(hashMemoryKiB, int64(s.block)*int64(s.cost+s.lanes)*128/1024)
}

func (s scryptHash) matches(password string) bool {
	sum, err := scrypt.Key([]byte(password), s.salt, s.cost, s.block, s.lanes, len(s.sum))
	return err == nil && subtle.ConstantTimeCompare(sum, s.sum) == 1
}

func (s scryptHash) kind() string { return fmt.Sprintf("scrypt %d %d %d", s.cost, s.block, s.lanes) }
