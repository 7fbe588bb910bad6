package users

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"
)

// credentialColumn may stand in for the hash where a session asks whether the password changed.
const credentialColumn = "credential"

// columns are what a query may answer with.
func columns() []string {
	return []string{"subject", "name", "password_hash", "roles", "scopes", "disabled", "display_name", credentialColumn}
}

// checkColumns holds a query's answer to the documented columns.
func checkColumns(names []string) error {
	for i, name := range names {
		switch {
		case !slices.Contains(columns(), name):
			return fmt.Errorf("column %q means nothing here; known are %s", name, strings.Join(columns(), ", "))
		case slices.Contains(names[:i], name):
			return fmt.Errorf("column %q is there twice", name)
		}
	}
	for _, name := range []string{"name", "password_hash"} {
		if !slices.Contains(names, name) {
			return fmt.Errorf("there is no column %[1]s; write SELECT … AS %[1]s", name)
		}
	}
	return nil
}

// readRow makes a user of one row with checked columns, in PostgreSQL's text
// form; nil is NULL. No error contains a value.
func readRow(names []string, values [][]byte) (r record, err error) {
	for i, name := range names {
		if values[i] == nil {
			continue
		}
		text := string(values[i])
		switch name {
		case "subject":
			r.user.Subject = strings.TrimRight(text, " ") // char(n) is padded
		case "name":
			r.user.Name = strings.TrimRight(text, " ")
		case "password_hash":
			r.hash = passwordHash(strings.TrimSpace(text))
		case "display_name":
			r.user.DisplayName = text
		case "roles":
			r.user.Roles, err = readList(text)
		case "scopes":
			r.user.Scopes, err = readList(text)
		case "disabled":
			r.user.Disabled, err = strconv.ParseBool(text)
		}
		if err != nil {
			return record{}, fmt.Errorf("column %s has a value of the wrong form", name)
		}
	}
	if r.user.Subject == "" {
		r.user.Subject = r.user.Name
	}
	r.user.Credential = r.hash.credential()
	if at := slices.Index(names, credentialColumn); at >= 0 {
		r.user.Credential = columnCredential(values[at])
	}
	if err := checkUser(r.user); err != nil {
		return record{}, err
	}
	return r, nil
}

var errList = errors.New("not a list")

// readList reads a list as people keep one in a column: an array ({a,b}), JSON
// (["a","b"]), or text with commas.
func readList(text string) (list []string, err error) {
	text = strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(text, "["):
		err = json.Unmarshal([]byte(text), &list)
	case strings.HasPrefix(text, "{"):
		var array pgtype.FlatArray[pgtype.Text]
		err = pgtype.NewMap().Scan(pgtype.TextArrayOID, pgtype.TextFormatCode, []byte(text), &array)
		for _, item := range array {
			list = append(list, item.String)
		}
	default:
		for item := range strings.SplitSeq(text, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, item)
			}
		}
	}
	if err != nil {
		return nil, errList
	}
	if slices.Contains(list, "") {
		return nil, errList // a role without a name, or NULL in an array
	}
	return list, nil
}
