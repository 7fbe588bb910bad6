package configs

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// textValue is a value with a text form of its own. It is implemented on the pointer.
//
// parse sets the value; its error says what is wrong without repeating the text. hint is what to
// write instead, made from the text where that is possible.
type textValue interface {
	parse(text string) error
	hint(text string) string
}

// Address is where to listen: host:port, with an empty host for every interface.
type Address string

var errNotAddress = errors.New("is not host:port")

func (a *Address) parse(text string) error {
	host, port, err := net.SplitHostPort(text)
	if text != "" && (err != nil || !validPort(port, 0) || (host != "" && !isIP(host) && !hostShape.MatchString(host))) {
		return errNotAddress
	}
	*a = Address(text)
	return nil
}

func (a *Address) hint(text string) string {
	switch {
	case validPort(text, 0):
		return `":` + text + `"`
	case hostShape.MatchString(text) && !isDigits(text):
		return text + ":8080"
	}
	return `":8080"`
}

// String is the text form.
func (a Address) String() string { return string(a) }

// loopback tells whether only this machine can reach the address.
func (a Address) loopback() bool {
	host, _, err := net.SplitHostPort(string(a))
	return err == nil && loopbackHost(host)
}

// Path names a file or folder. A relative one is meant from the folder of the configuration file;
// Load makes it so.
type Path string

// String is the path.
func (p Path) String() string { return string(p) }

// App is where a static app comes from: a folder, as a Path, or Demo.
type App string

// Demo names the demo app inside the program.
const Demo App = "demo"

// String is the path or the name.
func (a App) String() string { return string(a) }

// Time is a point in time in the form of RFC 3339. The zero value is no time at all.
type Time time.Time

var errNotTime = errors.New("is not a time as RFC 3339 has it")

func (t *Time) parse(text string) error {
	read, err := time.Parse(time.RFC3339, text)
	if err != nil || read.IsZero() {
		return errNotTime
	}
	*t = Time(read)
	return nil
}

func (t *Time) hint(text string) string {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.Format(time.RFC3339)
	}
	return "a time such as 2027-01-31T00:00:00Z"
}

// String is the text form, empty for the zero value.
func (t Time) String() string {
	if t.Std().IsZero() {
		return ""
	}
	return t.Std().Format(time.RFC3339)
}

// Std is the time as the standard library has it.
func (t Time) Std() time.Time { return time.Time(t) }

// loopbackHost tells whether browsers take a host for this machine: localhost and what lies below
// it, 127.0.0.0/8, ::1.
func loopbackHost(host string) bool {
	host = strings.ToLower(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func isIP(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

func validPort(text string, least int) bool {
	n, err := strconv.Atoi(text)
	return err == nil && isDigits(text) && n >= least && n <= 65535
}

// hostPort tells whether text is host:port with both of them.
func hostPort(text string) bool {
	host, port, err := net.SplitHostPort(text)
	return err == nil && validPort(port, 1) && (isIP(host) || hostShape.MatchString(host))
}

// printable tells whether text can stand in a log or a key without spaces and surprises.
func printable(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }) < 0
}
