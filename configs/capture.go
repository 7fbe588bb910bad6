package configs

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// AppCall returns the endpoint of one of app_calls; an empty path if the API has none.
func (t *TokenAPIProvider) AppCall(name string) (path, method string) {
	switch name {
	case "login":
		return t.Login.Path, t.Login.Method
	case "refresh":
		return t.Refresh.Path, t.Refresh.Method
	case "logout":
		return t.Logout.Path, t.Logout.Method
	}
	return "", ""
}

// appCalls are the names that app_calls knows.
func appCalls() []string { return []string{"login", "refresh", "logout"} }

// checkCaptures looks at app_calls and capture.
func checkCaptures(c *checker, path string, t *TokenAPIProvider) {
	checkAppCalls(c, path, t)
	seen := make(map[string]bool)
	for i := range t.Capture {
		checkCapture(c, index(path+".capture", i), t, &t.Capture[i], seen)
	}
}

func checkAppCalls(c *checker, path string, t *TokenAPIProvider) {
	for i, name := range t.AppCalls {
		at := index(path+".app_calls", i)
		target, _ := t.AppCall(name)
		switch {
		case c.anyBroken(at):
		case !slices.Contains(appCalls(), name):
			c.problem(at, c.quote(at, name)+" is no call of an app", suggest(name, appCalls()))
		case slices.Contains(t.AppCalls[:i], name):
			c.problem(at, name+" is named twice", "write it once")
		case target == "" && !c.anyBroken(path+"."+name, path+"."+name+".path"):
			c.problem(at, "the API has no "+name+" that an app could call", "write "+name+": {path: /auth/"+name+"}, or leave it out")
		case t.sharedCall(name):
			c.problem(at, "the path of "+name+" is that of another call, too, and nobody could tell them apart", "write capture: [{path: "+target+"}]")
		}
	}
}

// sharedCall reports whether requests to a call look as those of another: same path and method. A
// login and a refresh are told apart by the user name.
func (t *TokenAPIProvider) sharedCall(name string) bool {
	path, method := t.AppCall(name)
	for _, other := range appCalls() {
		otherPath, otherMethod := t.AppCall(other)
		pair := name == "login" && other == "refresh" || name == "refresh" && other == "login"
		if other != name && path == otherPath && method == otherMethod && (!pair || t.Login.Body != "") {
			return true
		}
	}
	return false
}

func checkCapture(c *checker, path string, t *TokenAPIProvider, e *TokenAPICapture, seen map[string]bool) {
	if c.anyBroken(path) {
		return
	}
	checkCapturedPath(c, path+".path", e.Path)
	if len(e.Methods) == 0 {
		c.problem(path+".methods", "is empty: nothing would be captured", "write methods: [POST], or leave it out")
	}
	for i, m := range e.Methods {
		at := index(path+".methods", i)
		switch {
		case !methodShape.MatchString(m):
			c.problem(at, c.quote(at, m)+" is not a method in upper case", "write "+c.quoteFix(at, strings.ToUpper(m), "POST"))
		case m == "HEAD" || m == "OPTIONS":
			c.problem(at, m+" signs nobody in", "write POST")
		case seen[m+" "+e.Path]:
			c.problem(path, m+" "+e.Path+" is captured twice", "write it once")
		}
		seen[m+" "+e.Path] = true
		if call := t.callAt(e.Path, m); call != "" {
			c.problem(path+".path", "is the path of "+call+", which the app may call by another key", "write app_calls: ["+call+"]")
		}
	}
	checkCapturedStatuses(c, path, e.Statuses)
	checkBegins(c, path, e)
}

// callAt names the one call of the API that has this path and method; empty: there is none, or
// several, as for GraphQL, and then the path is for capture.
func (t *TokenAPIProvider) callAt(path, method string) (call string) {
	for _, name := range appCalls() {
		target, m := t.AppCall(name)
		if target != path || m != method {
			continue
		}
		if t.sharedCall(name) || name == "login" && t.Login.Body != "" {
			return ""
		}
		call = name
	}
	return call
}

func checkCapturedPath(c *checker, path, text string) {
	if c.anyBroken(path) {
		return
	}
	u, err := url.Parse(text)
	switch {
	case !strings.HasPrefix(text, "/"):
		c.problem(path, "does not start with a slash", "write "+c.quoteFix(path, "/"+text, "/auth/register"))
	case err != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.ContainsAny(text, "%;\\ "):
		c.problem(path, "has more in it than a path", "write "+c.quoteFix(path, strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("?#%;\\ ", r) })[0], "/auth/register"))
	}
}

func checkCapturedStatuses(c *checker, path string, list []int) {
	if len(list) == 0 {
		c.problem(path+".statuses", "is empty: no answer would sign in", "write statuses: [200, 201], or leave it out")
	}
	for i, status := range list {
		if status < 200 || status > 299 || status == 206 {
			c.problem(index(path+".statuses", i), strconv.Itoa(status)+" cannot sign in", "write 200 to 299, but for 206; redirects sign in with begins")
		}
	}
}

func checkBegins(c *checker, path string, e *TokenAPICapture) {
	get := slices.Contains(e.Methods, "GET")
	if e.Begins == "" {
		if get && !c.anyBroken(path+".begins") {
			c.problem(path, "a GET signs in whoever follows a link, and nothing says where the sign-in begins", "write begins: with the path that the sign-in begins at")
		}
		return
	}
	switch {
	case !get || len(e.Methods) != 1:
		c.problem(path+".begins", "is for a sign-in that comes back by a link, which is a GET", "write methods: [GET]")
	case e.Begins == e.Path:
		c.problem(path+".begins", "is the path itself", "write the path that the sign-in begins at")
	}
	checkCapturedPath(c, path+".begins", e.Begins)
}
