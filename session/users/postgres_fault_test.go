package users

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// A query that was stopped for its time is late, whoever of the two says so first.
func TestPostgresFaultOfTime(t *testing.T) {
	for name, err := range map[string]error{
		"the server": &pgconn.PgError{Code: "57014", Message: "canceling statement due to user request"},
		"the driver": context.DeadlineExceeded,
	} {
		if got := postgresFault(err); !errors.Is(got, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := postgresFault(&pgconn.PgError{Code: "53300"}); errors.Is(got, context.DeadlineExceeded) {
		t.Errorf("too many connections: %v", got)
	}
}
