package users

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// The functions here change a users file as text, so that comments, order and spelling survive.
// They may miss in files of unusual shape; edit checks the result before it is written.

var errNotFound = errors.New("cannot be changed here: edit it by hand")

// from returns the byte offset of a line and column, both counted from 1, columns in characters.
func from(text string, line, column int) int {
	at := 0
	for ; line > 1; line-- {
		next := strings.IndexByte(text[at:], '\n')
		if next < 0 {
			return len(text)
		}
		at += next + 1
	}
	for ; column > 1 && at < len(text); column-- {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return at
}

// replaceHash puts hash where old stands, in quotes: unquoted commas would end a value in {…}
// style.
func replaceHash(text string, place entry, old, hash string) (string, error) {
	start := from(text, place.passwordLine, place.passwordColumn)
	at := strings.Index(text[start:], old)
	if at < 0 {
		return "", errNotFound
	}
	at += start
	if quote := text[at-1]; quote != '"' && quote != '\'' {
		hash = `"` + hash + `"`
	}
	return text[:at] + hash + text[at+len(old):], nil
}

var disabledValue = regexp.MustCompile(`^(["']?disabled["']?\s*:\s*)(true|True|TRUE|false|False|FALSE)\b`)

// setDisabled changes the value of an existing key, or adds the key after the password.
func setDisabled(text string, place entry, hash string, disabled bool) (string, error) {
	if place.disabledLine > 0 {
		start := from(text, place.disabledLine, place.disabledColumn)
		found := disabledValue.FindStringSubmatchIndex(text[start:])
		if found == nil {
			return "", errNotFound
		}
		return text[:start+found[4]] + fmt.Sprint(disabled) + text[start+found[5]:], nil
	}
	at := strings.Index(text[from(text, place.passwordLine, place.passwordColumn):], hash)
	if at < 0 {
		return "", errNotFound
	}
	at += from(text, place.passwordLine, place.passwordColumn) + len(hash)
	if at < len(text) && (text[at] == '"' || text[at] == '\'') {
		at++
	}
	if place.flow {
		return text[:at] + fmt.Sprintf(", disabled: %t", disabled) + text[at:], nil
	}
	at = lineEnd(text, at)
	return text[:at] + fmt.Sprintf("%s%sdisabled: %t", newline(text), strings.Repeat(" ", place.passwordColumn-1), disabled) + text[at:], nil
}

// appendUser writes a new list entry behind the last one.
func appendUser(text string, doc *document, user User, hash string) (string, error) {
	nl := newline(text)
	switch {
	case doc.list != nil && len(doc.list.Values) > 0:
		if doc.list.IsFlowStyle {
			return "", errNotFound
		}
		indent := strings.Repeat(" ", doc.list.Start.Position.Column-1)
		body := strings.TrimRight(text, " \t\r\n")
		return body + nl + entryText(indent, nl, user, hash), nil
	case doc.line > 0: // "users:" or "users: []"
		start := from(text, doc.line, 1)
		end := lineEnd(text, start)
		rest := strings.TrimPrefix(text[end:], "\r")
		rest = strings.TrimPrefix(rest, "\n")
		return text[:start] + "users:" + nl + entryText("  ", nl, user, hash) + rest, nil
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += nl
	}
	return text + "users:" + nl + entryText("  ", nl, user, hash), nil
}

// entryText spells a user. JSON strings, lists and objects are YAML too.
func entryText(indent, nl string, user User, hash string) string {
	var b strings.Builder
	prefix := indent + "- "
	write := func(key string, value any) {
		encoded, err := json.Marshal(value)
		if err != nil {
			return // a claim without JSON form: the comparison in edit refuses the result
		}
		b.WriteString(prefix + key + ": " + string(encoded) + nl)
		prefix = indent + "  "
	}
	write("name", user.Name)
	write("password", hash)
	if user.Subject != user.Name {
		write("subject", user.Subject)
	}
	if user.DisplayName != "" {
		write("display_name", user.DisplayName)
	}
	if len(user.Roles) > 0 {
		write("roles", user.Roles)
	}
	if len(user.Scopes) > 0 {
		write("scopes", user.Scopes)
	}
	if user.Disabled {
		write("disabled", true)
	}
	if len(user.Claims) > 0 {
		write("claims", user.Claims)
	}
	return b.String()
}

// lineEnd returns where the line that holds at ends, before its line break.
func lineEnd(text string, at int) int {
	end := strings.IndexByte(text[at:], '\n')
	if end < 0 {
		return len(text)
	}
	end += at
	if end > at && text[end-1] == '\r' {
		end--
	}
	return end
}

func newline(text string) string {
	if strings.Contains(text, "\r\n") {
		return "\r\n"
	}
	return "\n"
}
