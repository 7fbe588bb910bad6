package users

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/go-sql-driver/mysql"
)

// Numbers of errors that MySQL and MariaDB share, if not said otherwise.
const (
	errorUnknownVariable = 1193
	errorInterrupted     = 1317
	errorTookTooLong     = 3024 // MySQL
	errorTookLong        = 1969 // MariaDB
)

// aboutQuery are the numbers of errors whose text is about the query alone: an unknown column, a
// column twice, bad syntax (two), no such table, no such function. Texts of others name the account.
func aboutQuery() []uint16 { return []uint16{1054, 1060, 1064, 1149, 1146, 1305} }

// noRight are the numbers of errors for what the account may not do: use the database, the table, the
// column, or a function.
func noRight() []uint16 { return []uint16{1044, 1142, 1143, 1370} }

var errNoMark = errors.New("takes no value: write ? where what to look for stands")

func isNumber(err error, numbers ...uint16) bool {
	var refusal *mysql.MySQLError
	return errors.As(err, &refusal) && slices.Contains(numbers, refusal.Number)
}

// mySQLFault keeps what an operator needs and drops the rest: texts of the driver and of the server
// name the account, or what was asked for, which may be a password typed into the wrong field.
func mySQLFault(err error) error {
	var refusal *mysql.MySQLError
	var certificate *tls.CertificateVerificationError
	var timeout net.Error
	switch {
	case isNumber(err, errorTookTooLong, errorTookLong, errorInterrupted):
		return fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)
	case isNumber(err, aboutQuery()...) && errors.As(err, &refusal):
		return fmt.Errorf("%s (error %d, SQLSTATE %s)", refusal.Message, refusal.Number, refusal.SQLState[:])
	case isNumber(err, noRight()...) && errors.As(err, &refusal):
		return fmt.Errorf("the account may not read what the query asks for (error %d, SQLSTATE %s)", refusal.Number, refusal.SQLState[:])
	case errors.As(err, &refusal):
		return fmt.Errorf("refused with error %d, SQLSTATE %s", refusal.Number, refusal.SQLState[:])
	case errors.Is(err, mysql.ErrNoTLS):
		return errors.New("the server offers no TLS: switch it on there, or write tls=false into the URL if the way to it is safe")
	case errors.As(err, &certificate):
		return errors.New("the server's certificate is not valid for its host, or of no authority that is trusted here: " +
			"name the authority's file as tls_ca in the URL")
	case errors.Is(err, mysql.ErrCleartextPassword), errors.Is(err, mysql.ErrOldPassword), errors.Is(err, mysql.ErrUnknownPlugin):
		return errors.New("the account signs in by a method that is not supported: make one with caching_sha2_password, " +
			"mysql_native_password or ed25519")
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)
	}
	return errors.New("cannot be reached")
}
