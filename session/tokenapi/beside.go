package tokenapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// This file tells an endpoint that says 404 (no such user) from one that is not there: a path beside
// it, which nobody has, is asked the same.

// lookBeside asks the made-up path, where the answer leaves it open what is not found.
func (s *survey) lookBeside(ctx context.Context, x *probe) {
	if x.reply == nil || x.reply.status != http.StatusNotFound || x.reply.isHTML() || x.what != "login" && x.what != "refresh" ||
		slices.Contains(x.refused, http.StatusNotFound) || x.meaning() != "" {
		return
	}
	if r, err := s.blank(ctx, x, besideOf(x.url), x.configured.Encoding); err == nil {
		x.beside = r
	}
}

// besideOf is a path that no API has.
func besideOf(u *url.URL) *url.URL {
	made := *u
	path := strings.TrimSuffix(u.Path, "/")
	made.Path, made.RawPath = path+"-not-there"+u.Path[len(path):], ""
	return &made
}

// isThere reports whether a 404 is the endpoint's own: the path beside it answers another.
func (x *probe) isThere() bool {
	return x.beside != nil && !slices.Equal(wordsOfNo(x.reply, x.url), wordsOfNo(x.beside, besideOf(x.url)))
}

// wordsOfNo is what an answer says, without the path that it was asked at and what every answer has
// another of: times and ids, which have digits in them.
func wordsOfNo(r *reply, asked *url.URL) []string {
	plain := func(text string) string {
		return strings.ReplaceAll(strings.ReplaceAll(text, asked.RequestURI(), ""), asked.Path, "")
	}
	list := []string{statusText(r.status)}
	doc, err := r.json()
	if err != nil {
		return append(list, plain(string(r.data)))
	}
	for _, l := range leaves(doc) {
		text := kindOf(l.value)
		switch v := l.value.(type) {
		case string:
			if said := plain(v); !strings.ContainsAny(said, "0123456789") {
				text = said
			}
		case json.Number:
			if n, err := strconv.ParseFloat(v.String(), 64); err == nil && n < epochSeconds {
				text = v.String()
			}
		}
		list = append(list, l.place+"="+text)
	}
	return list
}

// notFoundFindings judges a 404 of an endpoint that is there; nil: it is not.
func (x *probe) notFoundFindings() []Finding {
	if !x.isThere() {
		return nil
	}
	const says = "answers 404, and not as a path does that is not there: the path is right. "
	line := x.what + `: {answers: ["refused: 404` + x.reply.wordField() + `"]}`
	if x.what == "login" {
		return []Finding{{false, x.what, says + "If that means an unknown user, write " + line +
			"; if users that exist get it too, the API has another name for the field login.username"}}
	}
	return []Finding{{false, x.what, says + "If a dead refresh token gets it too, write " + line + ", or its session gets 503 and does not end"}}
}

// wordField is the condition that an answer has its words, so that a 404 without them is none of the
// API's; empty where it has none.
func (r *reply) wordField() string {
	doc, err := r.json()
	if err != nil {
		return ""
	}
	var names []string
	for _, l := range leaves(doc) {
		if text, ok := l.value.(string); ok && text != "" && l.place != "." && !strings.ContainsAny(l.place, ":*") {
			names = append(names, l.place)
		}
	}
	for _, usual := range []string{"message", "msg", "error", "detail", "code"} {
		if slices.Contains(names, usual) {
			return " " + usual + "=*"
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " " + names[0] + "=*"
}
