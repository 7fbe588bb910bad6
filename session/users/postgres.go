package users

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgres is a userServer.
type postgres struct{ pool *pgxpool.Pool }

func openPostgres(o DatabaseOptions) (userServer, error) {
	config, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, errors.New("users database: the URL is not of the form postgres://user:password@host:port/name")
	}
	config.MinConns, config.MaxConns = 0, int32(o.MaxConns)
	config.MaxConnIdleTime = maxIdleConn
	config.ConnConfig.ConnectTimeout = o.Timeout
	guard(config.ConnConfig.RuntimeParams, o.Timeout)
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, errors.New("users database: the connection options cannot be used")
	}
	return postgres{pool}, nil
}

// guard makes the server hold our side of the bargain: nothing is written, and
// no query outlives us. What the operator put into the URL stays.
func guard(params map[string]string, timeout time.Duration) {
	for name, value := range map[string]string{
		"application_name":              "sessiongate",
		"default_transaction_read_only": "on",
		"statement_timeout":             fmt.Sprint(timeout.Milliseconds()),
	} {
		if _, set := params[name]; !set {
			params[name] = value
		}
	}
}

func (p postgres) close() { p.pool.Close() }

func (p postgres) ask(ctx context.Context, query, key string) (answer, error) {
	// Text for every column: one form to read, whatever types the table has.
	rows, err := p.pool.Query(ctx, query, pgx.QueryResultFormats{pgx.TextFormatCode}, key)
	if err != nil {
		return answer{}, postgresFault(err)
	}
	defer rows.Close()
	var a answer
	if rows.Next() {
		for _, value := range rows.RawValues() { // good until the next row
			a.row = append(a.row, bytes.Clone(value))
		}
		a.more = rows.Next()
	}
	if rows.Err() != nil {
		return answer{}, postgresFault(rows.Err())
	}
	a.names = fieldNames(rows.FieldDescriptions())
	return a, nil
}

func (p postgres) columns(ctx context.Context, query string) ([]string, error) {
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return nil, postgresFault(err)
	}
	defer conn.Release()
	s, err := conn.Conn().Prepare(ctx, "", query)
	if err != nil {
		return nil, postgresFault(err)
	}
	if len(s.ParamOIDs) != 1 {
		return nil, fmt.Errorf("takes %d parameters, want one: $1", len(s.ParamOIDs))
	}
	return fieldNames(s.Fields), nil
}

func fieldNames(fields []pgconn.FieldDescription) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return names
}

// queryCanceled is what the server says of a query that our time limit, or its own, has stopped. It
// may arrive before the driver notices that the time is over.
const queryCanceled = "57014"

// postgresFault keeps what an operator needs and drops the rest: the driver's texts
// name the account, and the server's quote the value that was asked for, which
// may be a password typed into the wrong field.
func postgresFault(err error) error {
	var refusal *pgconn.PgError
	switch {
	case errors.As(err, &refusal) && refusal.Code == queryCanceled:
		return fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)
	case errors.As(err, &refusal) && strings.HasPrefix(refusal.Code, "42"): // syntax or access rule: about the query alone
		return fmt.Errorf("%s (SQLSTATE %s)", refusal.Message, refusal.Code)
	case errors.As(err, &refusal):
		return fmt.Errorf("refused with SQLSTATE %s", refusal.Code)
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded), pgconn.Timeout(err):
		return fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)
	}
	return errors.New("cannot be reached")
}
