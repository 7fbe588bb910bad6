package endpoints

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/url"

	"sessiongate/gateway/exchange"
	"sessiongate/gateway/problem"
	"sessiongate/session"
)

const (
	// maxLoginBody bounds a login request; a password may have 1024 bytes.
	maxLoginBody = 16 << 10
	// maxExtraField bounds the text of one further field.
	maxExtraField = 2 << 10
)

// Fields knows what a sign-in takes beside a name and a password.
type Fields interface {
	// ExtraFields returns the names of the further fields of a provider, by its name; empty: the
	// only one that takes a password. The list must not be changed.
	ExtraFields(provider string) []string
}

// credentials are what a login request says, as JSON or as a form.
type credentials struct {
	Username   string         `json:"username"`
	Password   session.Secret `json:"password"`
	Provider   string         `json:"provider"`
	DeviceName string         `json:"device_name"`
	ReturnTo   string         `json:"return_to"`
	demoUser   string         // form only: the demo's one-click sign-in
	extra      map[string]any // what the provider takes beside these, as [session.Login.Extra]
}

// readCredentials takes JSON or a form, nothing else, and not much of either. Of fields that it
// does not know it passes on those that the provider takes.
func readCredentials(x *exchange.Exchange, known Fields) (form bool, c credentials, err error) {
	kind, _, err := mime.ParseMediaType(x.Request.Header.Get("Content-Type"))
	if err != nil && x.Request.Header.Get("Content-Type") != "" {
		return false, c, problem.BadRequest("The Content-Type header is malformed.", nil)
	}
	body, err := exchange.ReadBody(x, maxLoginBody)
	if err != nil {
		return false, c, err
	}
	switch kind {
	case "application/json":
		c, err = credentialsOfJSON(body, known)
	case "application/x-www-form-urlencoded":
		form = true
		c, err = credentialsOfForm(body, known)
	default:
		return false, c, problem.BadRequest("Send application/json or application/x-www-form-urlencoded.", nil)
	}
	if err == nil && !form && (c.Username == "" || c.Password == "") {
		err = problem.BadRequest("Both username and password are needed.", nil)
	}
	return form, c, err
}

func credentialsOfForm(body []byte, known Fields) (c credentials, err error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return c, problem.BadRequest("The form is malformed.", nil)
	}
	c = credentials{
		Username: values.Get("username"), Password: session.Secret(values.Get("password")),
		Provider: values.Get("provider"), DeviceName: values.Get("device_name"), ReturnTo: values.Get("return_to"),
		demoUser: values.Get("demo_user"),
	}
	for _, name := range known.ExtraFields(c.Provider) {
		if err := c.keep(name, values.Get(name)); err != nil {
			return c, err
		}
	}
	return c, nil
}

func credentialsOfJSON(body []byte, known Fields) (c credentials, err error) {
	if err := json.Unmarshal(body, &c); err != nil {
		return c, problem.BadRequest(`Send a JSON object: {"username": "…", "password": "…"}.`, nil)
	}
	names := known.ExtraFields(c.Provider)
	if len(names) == 0 {
		return c, nil
	}
	var all map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // a long number keeps its digits
	if err := d.Decode(&all); err != nil {
		return c, problem.BadRequest("The JSON object is malformed.", nil)
	}
	for _, name := range names {
		if err := c.keep(name, all[name]); err != nil {
			return c, err
		}
	}
	return c, nil
}

// keep notes a further field. Null and empty text are as if it were not there.
func (c *credentials) keep(name string, value any) error {
	size := 0
	switch v := value.(type) {
	case nil:
		return nil
	case bool:
	case json.Number:
		size = len(v)
	case string:
		if v == "" {
			return nil
		}
		size = len(v)
	default:
		return problem.BadRequest("The field "+name+" takes a text, a number, true or false.", nil)
	}
	if size > maxExtraField {
		return problem.BadRequest("The field "+name+" is longer than 2 KiB.", nil)
	}
	if c.extra == nil {
		c.extra = make(map[string]any)
	}
	c.extra[name] = value
	return nil
}
