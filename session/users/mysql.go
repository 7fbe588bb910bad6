package users

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
)

// mySQL is a userServer: MySQL or MariaDB. Values go beside the query, in the protocol for prepared
// statements, and never into its text.
type mySQL struct {
	db *sql.DB
	mu sync.Mutex
	// marks has how many values each query takes, once the server has said it.
	marks map[string]int
}

func openMySQL(o DatabaseOptions) (userServer, error) {
	config, err := mySQLConfig(o.URL, o.Timeout)
	if err != nil {
		return nil, fmt.Errorf("users database: %w", err)
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("users database: %w", errMySQLURL)
	}
	db := sql.OpenDB(readOnly{connector, o.Timeout})
	db.SetMaxOpenConns(o.MaxConns)
	db.SetMaxIdleConns(o.MaxConns)
	db.SetConnMaxIdleTime(maxIdleConn)
	return &mySQL{db: db, marks: make(map[string]int)}, nil
}

// readOnly connects, and makes the server hold our side of the bargain: nothing is written, and no
// query outlives us.
type readOnly struct {
	driver.Connector
	timeout time.Duration
}

// Connect implements [driver.Connector].
func (r readOnly) Connect(ctx context.Context) (driver.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout) // the pool also connects for nobody in particular
	defer cancel()
	conn, err := r.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.bind(ctx, conn); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// bind sets up the server's side of a connection. MySQL and MariaDB have different names and units
// for one limit, and servers older than either name have none.
func (r readOnly) bind(ctx context.Context, conn driver.Conn) error {
	if err := execute(ctx, conn, "SET SESSION TRANSACTION READ ONLY"); err != nil {
		return err
	}
	for _, limit := range []string{
		fmt.Sprintf("SET SESSION max_execution_time = %d", r.timeout.Milliseconds()),
		fmt.Sprintf("SET SESSION max_statement_time = %.3f", r.timeout.Seconds()),
	} {
		if err := execute(ctx, conn, limit); !isNumber(err, errorUnknownVariable) {
			return err
		}
	}
	return nil
}

func execute(ctx context.Context, conn driver.Conn, statement string) error {
	x, ok := conn.(driver.ExecerContext)
	if !ok {
		return driver.ErrSkip
	}
	_, err := x.ExecContext(ctx, statement, nil)
	return err
}

func (m *mySQL) close() { _ = m.db.Close() }

func (m *mySQL) ask(ctx context.Context, query, key string) (answer, error) {
	return m.run(ctx, query, query, key)
}

// columns runs the query with a limit of no rows: the protocol's description of a statement is not
// within reach, and so the server need not look for any.
func (m *mySQL) columns(ctx context.Context, query string) ([]string, error) {
	bare := strings.TrimRight(strings.TrimSpace(query), "; \t\r\n")
	a, err := m.run(ctx, query, "SELECT * FROM (\n"+bare+"\n) AS found LIMIT 0", nil)
	return a.names, err
}

// run runs a statement that the query is a part of, with the same value for each question mark.
func (m *mySQL) run(ctx context.Context, query, statement string, value any) (answer, error) {
	marks, err := m.count(ctx, query)
	if err != nil {
		return answer{}, mySQLFault(err)
	}
	if marks == 0 {
		return answer{}, errNoMark
	}
	rows, err := m.db.QueryContext(ctx, statement, slices.Repeat([]any{value}, marks)...)
	if err != nil {
		return answer{}, mySQLFault(err)
	}
	defer rows.Close()
	a, err := readAnswer(rows)
	if err != nil {
		return answer{}, mySQLFault(err)
	}
	return a, nil
}

// count asks the server how many values a query takes: a question mark may also stand in a text or
// in a comment.
func (m *mySQL) count(ctx context.Context, query string) (int, error) {
	m.mu.Lock()
	marks, known := m.marks[query]
	m.mu.Unlock()
	if known {
		return marks, nil
	}
	conn, err := m.db.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	err = conn.Raw(func(raw any) error {
		marks, err = countValues(ctx, raw, query)
		return err
	})
	if err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.marks[query] = marks
	return marks, nil
}

func countValues(ctx context.Context, conn any, query string) (int, error) {
	preparer, ok := conn.(driver.ConnPrepareContext)
	if !ok {
		return 0, driver.ErrSkip
	}
	statement, err := preparer.PrepareContext(ctx, query)
	if err != nil {
		return 0, err
	}
	return statement.NumInput(), statement.Close()
}

func readAnswer(rows *sql.Rows) (a answer, err error) {
	types, err := rows.ColumnTypes()
	if err != nil {
		return answer{}, err
	}
	for _, t := range types {
		a.names = append(a.names, t.Name())
	}
	if rows.Next() {
		if a.row, err = scan(rows, types); err != nil {
			return answer{}, err
		}
		a.more = rows.Next()
	}
	return a, rows.Err()
}

// scan reads a row as text. A column of type BIT, which is what some frameworks make of a boolean,
// comes as bytes of a number.
func scan(rows *sql.Rows, types []*sql.ColumnType) ([][]byte, error) {
	raw := make([]sql.RawBytes, len(types))
	targets := make([]any, len(types))
	for i := range raw {
		targets[i] = &raw[i]
	}
	if err := rows.Scan(targets...); err != nil {
		return nil, err
	}
	row := make([][]byte, len(types))
	for i, value := range raw {
		row[i] = bytes.Clone(value)
		if value != nil && types[i].DatabaseTypeName() == "BIT" {
			row[i] = fmt.Append(nil, new(big.Int).SetBytes(value))
		}
	}
	return row, nil
}
