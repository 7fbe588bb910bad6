package masking_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"sessiongate/gateway/masking"
)

// refer masks a JSON text by the standard library's decoder, token by token: slowly, and with the
// whole path of every value at hand.
func refer(body []byte, o masking.Options, j masking.Judge) []byte {
	out := bytes.Clone(body)
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var open []container
	for {
		before := d.InputOffset()
		token, err := d.Token()
		if err != nil {
			return out
		}
		end := d.InputOffset()
		var top *container
		if len(open) > 0 {
			top = &open[len(open)-1]
		}
		switch v := token.(type) {
		case json.Delim:
			if v == '}' || v == ']' {
				open = open[:len(open)-1]
				continue
			}
			path, named := place(open, o)
			open = append(open, container{list: v == '[', path: path, named: named && v == '['})
			continue
		case string:
			start := before + int64(bytes.IndexByte(body[before:], '"'))
			if top != nil && !top.list && !top.hasKey {
				top.key, top.hasKey = v, true
				judgeValue(out[start:end], v, []string{""}, false, o, j)
				continue
			}
			path, named := place(open, o)
			judgeValue(out[start:end], v, path, named, o, j)
		default:
			place(open, o)
		}
	}
}

type container struct {
	list, named, hasKey bool
	key                 string
	index               int
	path                []string
}

// place returns the path of the value that begins now, and moves on to the next.
func place(open []container, o masking.Options) (path []string, named bool) {
	if len(open) == 0 {
		return nil, false
	}
	top := &open[len(open)-1]
	element := top.key
	if top.list {
		element = strconv.Itoa(top.index)
		top.index++
		named = top.named
	} else {
		named = isName(element, o)
	}
	top.hasKey = false
	return append(append([]string{}, top.path...), element), named
}

func isName(key string, o masking.Options) bool {
	if key == "refresh_token" || key == "refreshToken" {
		return true
	}
	for _, field := range o.Fields {
		segments := strings.Split(field, ".")
		for len(segments) > 0 && (segments[len(segments)-1] == "*" || strings.Trim(segments[len(segments)-1], "0123456789") == "") {
			segments = segments[:len(segments)-1]
		}
		for i := range segments {
			if key == strings.Join(segments[i:], ".") {
				return true
			}
		}
	}
	return false
}

func judgeValue(raw []byte, text string, path []string, named bool, o masking.Options, j masking.Judge) {
	if len(raw) == 2 {
		return
	}
	exact := false
	for _, field := range o.Fields {
		exact = exact || field == "." && len(path) == 0 || field != "." && leads(field, path)
	}
	mine := len(raw) <= 16<<10 && (named || strings.HasPrefix(text, "eyJ")) && j.IsToken([]byte(text), named)
	last := len(path) - 1
	for named && strings.Trim(path[last], "0123456789") == "" { // the entry of a list
		last--
	}
	if named && strings.HasPrefix(strings.ToLower(path[last]), "refresh") {
		mine = mine || regexp.MustCompile(`^[\w.~+/=|:-]{20,}$`).MatchString(text)
	}
	if !exact && !mine {
		return
	}
	filled := o.Placeholder[:min(len(o.Placeholder), len(raw)-2)]
	copy(raw, `"`+filled+`"`+strings.Repeat(" ", len(raw)-2-len(filled)))
}

// leads reports whether a path is the place that a field names.
func leads(field string, path []string) bool {
	if len(path) == 0 {
		return false
	}
	head, rest, more := strings.Cut(field, ".")
	if head == "*" {
		return more && leads(rest, path[1:]) || !more && len(path) == 1
	}
	if path[0] == "" || !strings.HasPrefix(field, path[0]) {
		return false
	}
	rest = field[len(path[0]):]
	if rest == "" {
		return len(path) == 1
	}
	return rest[0] == '.' && leads(rest[1:], path[1:])
}

// referText masks what stands in text of any kind, by regular expressions.
func referText(body []byte, j masking.Judge) []byte {
	blank := func(found []byte) []byte {
		return append([]byte("session"), bytes.Repeat([]byte(" "), len(found))...)[:len(found)]
	}
	body = ownText.ReplaceAllFunc(body, blank)
	return regexp.MustCompile(`eyJ[\w.-]*`).ReplaceAllFunc(body, func(run []byte) []byte {
		if len(run) > 16<<10 {
			return run
		}
		parts := strings.Split(string(run), ".")
		var done []string
		for len(parts) > 2 {
			at := strings.Index(parts[0], "eyJ")
			for n := 0; at >= 0 && n < 4; n++ {
				if text := parts[0][at:] + "." + parts[1] + "." + parts[2]; j.IsToken([]byte(text), false) {
					done = append(done, parts[0][:at]+string(blank([]byte(text))))
					parts = parts[3:]
					at = -2
					break
				}
				next := strings.Index(parts[0][at+1:], "eyJ")
				if at += 1 + next; next < 0 {
					at = -1
				}
			}
			if at != -2 {
				done, parts = append(done, parts[0]), parts[1:]
			}
		}
		return []byte(strings.Join(append(done, parts...), "."))
	})
}

// ownText finds ownToken in every notation.
var ownText = func() *regexp.Regexp {
	var b strings.Builder
	names := map[rune]string{'|': "verbar|vert", '+': "plus", '/': "sol", '=': "equals"}
	for _, c := range ownToken {
		if name, special := names[c]; special {
			fmt.Fprintf(&b, `(?:(?i:&(?:%s|#0?%d|#x%[2]x);|%%%[2]x|\\u00%[2]x|\\x%[2]x)|\\?%[3]s)`, name, c, regexp.QuoteMeta(string(c)))
		} else {
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return regexp.MustCompile(b.String())
}()
