package tokenapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// This file is about a refresh that the API refuses by a status which the configuration does not
// know as a no: the session of a dead token is then in doubt, and does not end.

// unlistedFindings judges the answer to a refresh that had no token in it: a dead one may get the
// same.
func (x *probe) unlistedFindings() []Finding {
	// With lines for its answers, the API's no is known, and this one is about an empty request.
	empty := len(x.configured.Answers) > 0 && x.reply.status != http.StatusUnauthorized && x.reply.status != http.StatusForbidden
	if !x.unlisted() || empty || x.complainsOfForm() {
		return nil
	}
	return []Finding{{false, x.what, "answers " + statusText(x.reply.status) + ", which refresh.refused does not list: if a dead refresh token " +
		"gets it too, its session gets 503 until the doubt is settled. Then write " + x.listed() +
		"; `sessiongate check --try USER` shows what it gets"}}
}

// unlisted reports whether the answer is a no in JSON of a status that refused does not have.
func (x *probe) unlisted() bool {
	r := x.reply
	switch r.status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity:
		return x.what == "refresh" && r.ownWord() && !slices.Contains(x.refused, r.status)
	}
	return false
}

// complainsOfForm reports whether the answer is about the request, which lacks a field, and so
// nothing that a dead token gets.
func (x *probe) complainsOfForm() bool {
	doc, err := x.reply.json()
	if err != nil {
		return false
	}
	names, _ := missingFields(doc)
	rfc := []string{"invalid_grant", "invalid_request", "invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope"}
	return len(names) > 0 || x.reply.fieldMissing() || slices.Contains(rfc, x.reply.oauthError())
}

// listed is the key that makes the status a no.
func (x *probe) listed() string {
	all := append(slices.Clone(x.refused), x.reply.status)
	slices.Sort(all)
	words := make([]string, len(all))
	for i, status := range all {
		words[i] = strconv.Itoa(status)
	}
	return "refresh: {refused: [" + strings.Join(words, ", ") + "]}"
}
