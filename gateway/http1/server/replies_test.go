package server_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing/iotest"
)

// reply is a handler that answers in some way.
type reply func(w http.ResponseWriter, r *http.Request, saw *notes)

// replies are asked for by GET, by HEAD, and with a body that is in the way.
func replies() (rows []conversation) {
	add := func(name string, h reply) {
		rows = append(rows,
			conversation{name: "reply: " + name, says: []string{get("/1"), get("/2")}, handler: h},
			conversation{name: "reply to HEAD: " + name, says: []string{request("HEAD /1"), get("/2")}, handler: h},
			conversation{name: "reply to POST: " + name, says: []string{post("hello"), request("POST /", "Content-Length: 5", "Connection: close") + "hello"}, pipelined: true, handler: h},
		)
	}
	for _, n := range []int{0, 1, 512, 513, 2047, 2048, 2049, 4095, 4096, 4097, 5000, 100_000} {
		add(fmt.Sprintf("%d bytes", n), write(strings.Repeat("r", n)))
		add(fmt.Sprintf("%d bytes, with a length", n), with("Content-Length", fmt.Sprint(n), write(strings.Repeat("r", n))))
		add(fmt.Sprintf("%d bytes in five", n), write(strings.Repeat("r", n/5), strings.Repeat("s", n/5), strings.Repeat("t", n/5), strings.Repeat("u", n/5), "end"))
	}
	for _, code := range []int{101, 198, 200, 204, 205, 299, 304, 404, 500, 999} {
		add(fmt.Sprintf("status %d", code), status(code))
		add(fmt.Sprintf("status %d with a body", code), status(code, "hello"))
		add(fmt.Sprintf("status %d with fields", code), with("Content-Type", "text/x", with("Content-Length", "5", with("Transfer-Encoding", "chunked", status(code)))))
	}
	for _, group := range []map[string]reply{framed(), typed(), spelled(), late(), interim(), trailed(), broken(), copied()} {
		for name, h := range group {
			add(name, h)
		}
	}
	return rows
}

// write answers with these parts.
func write(parts ...string) reply {
	return func(w http.ResponseWriter, _ *http.Request, saw *notes) {
		for _, p := range parts {
			n, err := w.Write([]byte(p))
			saw.add("wrote %d", n)
			saw.err("write", err)
		}
	}
}

// status answers with a code, and with parts.
func status(code int, parts ...string) reply {
	return func(w http.ResponseWriter, r *http.Request, saw *notes) {
		w.WriteHeader(code)
		write(parts...)(w, r, saw)
	}
}

// with sets a field before.
func with(name, value string, then reply) reply {
	return func(w http.ResponseWriter, r *http.Request, saw *notes) {
		w.Header()[name] = append(w.Header()[name], value)
		then(w, r, saw)
	}
}

// flushed answers with these parts, and sends each at once.
func flushed(parts ...string) reply {
	return func(w http.ResponseWriter, _ *http.Request, saw *notes) {
		for _, p := range parts {
			_, err := io.WriteString(w, p)
			saw.err("write", err)
			saw.err("flush", http.NewResponseController(w).Flush())
		}
	}
}

// framed say themselves how long they are.
func framed() map[string]reply {
	all := map[string]reply{
		"nothing":               func(http.ResponseWriter, *http.Request, *notes) {},
		"an empty write":        write(""),
		"flushed at once":       flushed(""),
		"flushed first":         flushed("", "hello"),
		"flushed last":          flushed("hello"),
		"flushed twice":         flushed("hello", "", "world"),
		"flushed, large":        flushed(strings.Repeat("f", 5000), "x", strings.Repeat("f", 5000)),
		"flushed with a length": with("Content-Length", "10", flushed("hello", "world")),
		"flushed with status": func(w http.ResponseWriter, r *http.Request, saw *notes) {
			w.WriteHeader(404)
			flushed("a", "b")(w, r, saw)
		},
		"no body, then flushed":        func(w http.ResponseWriter, r *http.Request, saw *notes) { w.WriteHeader(204); flushed("")(w, r, saw) },
		"too long at once":             with("Content-Length", "3", write("hello")),
		"too long in the end":          with("Content-Length", "7", write("hello", "world", "x")),
		"too long, flushed":            with("Content-Length", "5", flushed("hello", "world")),
		"too short":                    with("Content-Length", "7", write("hello")),
		"too short, large":             with("Content-Length", "70000", write(strings.Repeat("s", 60_000))),
		"too short, flushed":           with("Content-Length", "7", flushed("hello")),
		"a length and nothing":         with("Content-Length", "7", write()),
		"a length, then only a status": with("Content-Length", "7", status(200)),
		"length 0, and more":           with("Content-Length", "0", write("hello")),
		"two lengths":                  with("Content-Length", "5", with("Content-Length", "6", write("hello"))),
		"a length in lower case":       with("content-length", "5", write("hello")),
		"a length in lower case, long": with("content-length", "5000", write(strings.Repeat("l", 5000))),
		"coding chunked":               with("Transfer-Encoding", "chunked", write("hello")),
		"coding chunked, and length":   with("Transfer-Encoding", "chunked", with("Content-Length", "5", write("hello"))),
		"coding identity":              with("Transfer-Encoding", "identity", write("hello")),
		"coding identity, and length":  with("Transfer-Encoding", "identity", with("Content-Length", "5", write("hello"))),
		"coding identity, nothing":     with("Transfer-Encoding", "identity", write()),
		"coding gzip":                  with("Transfer-Encoding", "gzip", write("hello")),
	}
	for _, length := range []string{"", "x", "-1", "+5", " 5", "5 ", "05", "5, 5", "9223372036854775807", "9223372036854775808"} {
		all[fmt.Sprintf("length %q", length)] = with("Content-Length", length, write("hello"))
	}
	for _, connection := range []string{"close", "Close", "keep-alive", "X, close", "close, X", "upgrade", ""} {
		all[fmt.Sprintf("connection %q", connection)] = with("Connection", connection, write("hello"))
		all[fmt.Sprintf("connection %q, 204", connection)] = with("Connection", connection, status(204))
	}
	return all
}

// typed have a Content-Type, or get one.
func typed() map[string]reply {
	all := map[string]reply{
		"no type": func(w http.ResponseWriter, r *http.Request, saw *notes) {
			w.Header()["Content-Type"] = nil
			write("hello")(w, r, saw)
		},
		"type in lower case":    with("content-type", "a/b", write("hello")),
		"two types":             with("Content-Type", "a/b", with("Content-Type", "c/d", write("hello"))),
		"type after two writes": write("<ht", "ml>"),
		"type after a flush":    flushed("<ht", "ml>"),
		"type far in":           write(strings.Repeat(" ", 600) + "<html>"),
		"type far in, in parts": write(strings.Repeat(" ", 300), "<html>", strings.Repeat("x", 3000)),
		"coded":                 with("Content-Encoding", "gzip", write("\x1f\x8b\x08 hello")),
		"coded as nothing":      with("Content-Encoding", "", write("\x1f\x8b\x08 hello")),
		"nosniff":               with("X-Content-Type-Options", "nosniff", write("<html>")),
	}
	for _, body := range []string{"<html>", "  <!DOCTYPE html>", "%PDF-", "\x89PNG\r\n\x1a\n", "GIF89a", "{\"a\": 1}", "\x00\x01\x02", "\xef\xbb\xbfhello", "\n"} {
		all[fmt.Sprintf("sniffed %q", body)] = write(body)
		all[fmt.Sprintf("type before %q", body)] = with("Content-Type", "application/x", write(body))
		all[fmt.Sprintf("empty type before %q", body)] = with("Content-Type", "", write(body))
	}
	return all
}

// spelled have fields that nobody should send, and some that are only rare.
func spelled() map[string]reply {
	all := map[string]reply{
		"date of its own":    with("Date", "never", write("hello")),
		"empty date":         with("Date", "", write("hello")),
		"date in lower case": with("date", "never", write("hello")),
		"no date": func(w http.ResponseWriter, r *http.Request, saw *notes) {
			w.Header()["Date"] = nil
			write("hello")(w, r, saw)
		},
		"no values": func(w http.ResponseWriter, r *http.Request, saw *notes) {
			w.Header()["A"] = []string{}
			write("hello")(w, r, saw)
		},
		"many fields": func(w http.ResponseWriter, r *http.Request, saw *notes) {
			for i := range 300 {
				w.Header().Add(fmt.Sprintf("x-%d", i%100), strings.Repeat("v", i))
			}
			write("hello")(w, r, saw)
		},
		"cookies": func(w http.ResponseWriter, _ *http.Request, _ *notes) {
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "b", Path: "/", HttpOnly: true})
			http.SetCookie(w, &http.Cookie{Name: "c", Value: "d e"})
			w.Header().Add("Vary", "Cookie")
		},
	}
	for _, name := range []string{"", "a b", "a:b", "a\r\nEvil: yes", "\xc3\xa4", "x-lower", "X_Y", "a\x00", " a", "trailers", "Server", "Host", "Upgrade"} {
		all[fmt.Sprintf("name %q", name)] = with(name, "v", with("After", "w", write("hello")))
		all[fmt.Sprintf("name %q, flushed", name)] = with(name, "v", flushed("hello", "x"))
	}
	for _, value := range []string{"", " ", "\ta ", "a\r\nEvil: yes", "a\nb", "\r", "a\x00b", "\x7f", "\xc3\xa4\xff", strings.Repeat("v", 5000)} {
		all[fmt.Sprintf("value %.20q", value)] = with("X-Value", value, write("hello"))
		all[fmt.Sprintf("value %.20q of 304", value)] = with("Etag", value, status(304))
	}
	return all
}

// late change the header when it is, or may be, too late.
func late() map[string]reply {
	change := func(w http.ResponseWriter) {
		w.Header().Set("Late", "yes")
		w.Header().Set("Content-Type", "late/late")
		w.Header().Set("Content-Length", "1")
		w.Header().Del("Early")
	}
	early := func(then reply) reply { return with("Early", "yes", then) }
	return map[string]reply{
		"changed after WriteHeader": early(func(w http.ResponseWriter, r *http.Request, saw *notes) {
			w.WriteHeader(200)
			change(w)
			write("hello")(w, r, saw)
		}),
		"changed after Write": early(func(w http.ResponseWriter, r *http.Request, saw *notes) { write("hello")(w, r, saw); change(w) }),
		"changed after a long Write": early(func(w http.ResponseWriter, r *http.Request, saw *notes) {
			write(strings.Repeat("c", 5000))(w, r, saw)
			change(w)
		}),
		"changed after Flush":           early(func(w http.ResponseWriter, r *http.Request, saw *notes) { flushed("hello")(w, r, saw); change(w) }),
		"never looked at, then changed": func(w http.ResponseWriter, r *http.Request, saw *notes) { write("hello")(w, r, saw); change(w) },
		"held since before": early(func(w http.ResponseWriter, r *http.Request, saw *notes) {
			h := w.Header()
			w.WriteHeader(200)
			h.Set("Late", "yes")
			h["Early"][0] = "overwritten"
			write("hello")(w, r, saw)
			delete(h, "Early")
		}),
		"two statuses": func(w http.ResponseWriter, r *http.Request, saw *notes) {
			w.WriteHeader(404)
			w.WriteHeader(200)
			write("hello")(w, r, saw)
		},
		"status after Write": func(w http.ResponseWriter, r *http.Request, saw *notes) {
			write("hello")(w, r, saw)
			w.WriteHeader(500)
		},
		"status after Flush": func(w http.ResponseWriter, r *http.Request, saw *notes) {
			flushed("hello")(w, r, saw)
			w.WriteHeader(500)
			w.WriteHeader(103)
		},
		"nonsense after the status": func(w http.ResponseWriter, _ *http.Request, _ *notes) { w.WriteHeader(200); w.WriteHeader(0) },
	}
}

// interim responses come before the one that counts.
func interim() map[string]reply {
	say := func(codes ...int) reply {
		return func(w http.ResponseWriter, r *http.Request, saw *notes) {
			w.Header().Set("Link", "</a>; rel=preload")
			for _, code := range codes {
				w.Header().Add("Number", fmt.Sprint(code))
				w.WriteHeader(code)
			}
			write("hello")(w, r, saw)
		}
	}
	return map[string]reply{
		"103":                     say(103),
		"103 twice, then 200":     say(103, 103, 200),
		"100":                     say(100),
		"100, 102, 103, 199, 201": say(100, 102, 103, 199, 201),
		"103, then 204":           say(103, 204),
		"103 with a length": func(w http.ResponseWriter, r *http.Request, saw *notes) {
			w.Header().Set("Content-Length", "5")
			w.Header().Set("Transfer-Encoding", "chunked")
			w.Header().Set("Trailer:X", "y")
			w.WriteHeader(103)
			w.Header().Del("Transfer-Encoding")
			write("hello")(w, r, saw)
		},
		"103, link dropped": func(w http.ResponseWriter, r *http.Request, saw *notes) {
			w.Header().Set("Link", "</a>")
			w.WriteHeader(103)
			w.Header().Del("Link")
			flushed("hello")(w, r, saw)
		},
		"103, then panic": func(w http.ResponseWriter, _ *http.Request, _ *notes) {
			w.WriteHeader(103)
			panic(http.ErrAbortHandler)
		},
		"103 and odd fields": with("a b", "c", with("X", "y\r\nz", say(103))),
		"103, nothing after": func(w http.ResponseWriter, _ *http.Request, _ *notes) { w.WriteHeader(103) },
		"103 after the answer": func(w http.ResponseWriter, r *http.Request, saw *notes) {
			write("hello")(w, r, saw)
			w.WriteHeader(103)
		},
	}
}

// trailed have fields after the body.
func trailed() map[string]reply {
	then := func(name, value string, before reply) reply {
		return func(w http.ResponseWriter, r *http.Request, saw *notes) {
			before(w, r, saw)
			w.Header()[name] = append(w.Header()[name], value)
		}
	}
	long := strings.Repeat("t", 5000)
	return map[string]reply{
		"trailer":                            with("Trailer", "Sum", then("Sum", "7", write("hello"))),
		"trailer, large":                     with("Trailer", "Sum", then("Sum", "7", write(long))),
		"trailer, flushed":                   with("Trailer", "Sum", then("Sum", "7", flushed("hello"))),
		"trailer of several":                 with("Trailer", "Sum, more ,,x-lower", with("Trailer", "Third", then("Sum", "7", then("More", "8", then("More", "9", then("X-Lower", "a", write("hello"))))))),
		"trailer that does not come":         with("Trailer", "Sum", write("hello")),
		"trailer set before":                 with("Trailer", "Sum", with("Sum", "7", write("hello"))),
		"trailer without body":               with("Trailer", "Sum", then("Sum", "7", write())),
		"trailer of 204":                     with("Trailer", "Sum", then("Sum", "7", status(204))),
		"trailer and length":                 with("Trailer", "Sum", with("Content-Length", "5", then("Sum", "7", write("hello")))),
		"trailer that frames":                with("Trailer", "Content-Length, Transfer-Encoding, Trailer, Host", then("Host", "x", then("Content-Length", "9", write("hello")))),
		"trailer with line ends":             with("Trailer", "Sum", then("Sum", "7\r\nEvil: yes", write("hello"))),
		"trailer, empty":                     with("Trailer", "", write("hello")),
		"trailer announced late":             then("Trailer", "Sum", then("Sum", "7", write("hello"))),
		"trailer announced late, large":      then("Trailer", "Sum", then("Sum", "7", write(long))),
		"trailer by prefix":                  then(http.TrailerPrefix+"Sum", "7", write("hello")),
		"trailer by prefix, large":           then(http.TrailerPrefix+"Sum", "7", write(long)),
		"trailer by prefix, flushed":         then(http.TrailerPrefix+"Sum", "7", flushed("hello")),
		"trailer by prefix, before":          with(http.TrailerPrefix+"Sum", "7", write("hello")),
		"trailer by prefix, before, large":   with(http.TrailerPrefix+"Sum", "7", write(long)),
		"trailer by prefix, and length":      with("Content-Length", "5", then(http.TrailerPrefix+"Sum", "7", write("hello"))),
		"trailer by prefix, name invalid":    then(http.TrailerPrefix+"a b", "7", then(http.TrailerPrefix+"x-lower", "8", flushed("hello"))),
		"trailer by prefix, name nothing":    then(http.TrailerPrefix, "7", flushed("hello")),
		"trailer by prefix, frames":          then(http.TrailerPrefix+"Content-Length", "7", flushed("hello")),
		"trailer by prefix, several":         then(http.TrailerPrefix+"A", "1", then(http.TrailerPrefix+"A", "2", then(http.TrailerPrefix+"B", "3", flushed("hello")))),
		"trailer announced and by prefix":    with("Trailer", "A", then("A", "1", then(http.TrailerPrefix+"A", "2", flushed("hello")))),
		"trailer by prefix of a 304":         with(http.TrailerPrefix+"A", "1", status(304)),
		"trailer by prefix, without a body":  with(http.TrailerPrefix+"A", "1", write()),
		"trailer by prefix, flushed nothing": then(http.TrailerPrefix+"A", "1", flushed("")),
	}
}

var errBroken = errors.New("broken")

// broken end as they should not.
func broken() map[string]reply {
	all := map[string]reply{}
	for name, before := range map[string]reply{
		"at once": write(), "after a status": status(404), "after Write": write("hello"), "after a long Write": write(strings.Repeat("p", 5000)), "after Flush": flushed("hello"),
		"after a whole answer": with("Content-Length", "5", flushed("hello")),
	} {
		for what, value := range map[string]any{"abort": http.ErrAbortHandler, "panic": "boom", "wrapped abort": fmt.Errorf("x: %w", http.ErrAbortHandler)} {
			all[what+" "+name] = func(w http.ResponseWriter, r *http.Request, saw *notes) {
				before(w, r, saw)
				panic(value)
			}
		}
	}
	for _, code := range []int{-1, 0, 1, 99, 1000} {
		all[fmt.Sprintf("status %d", code)] = status(code, "hello")
	}
	return all
}

// copied come from a reader.
func copied() map[string]reply {
	from := func(open func() io.Reader) reply {
		return func(w http.ResponseWriter, _ *http.Request, saw *notes) {
			n, err := io.Copy(w, open())
			saw.add("copied %d", n)
			saw.err("copy", err)
		}
	}
	file := func(n int) reply {
		return from(func() io.Reader {
			f, err := os.CreateTemp("", "")
			if err != nil {
				return iotest.ErrReader(err)
			}
			defer os.Remove(f.Name())
			_, _ = f.WriteString(strings.Repeat("f", n))
			_, _ = f.Seek(0, io.SeekStart)
			return f
		})
	}
	text := func(n int, then error) reply {
		return from(func() io.Reader {
			s := strings.NewReader(strings.Repeat("t", n))
			return struct{ io.Reader }{io.MultiReader(s, iotest.ErrReader(then))}
		})
	}
	all := map[string]reply{}
	for _, n := range []int{0, 5, 511, 512, 513, 3000, 300_000} {
		all[fmt.Sprintf("file of %d", n)] = file(n)
		all[fmt.Sprintf("file of %d, with a length", n)] = with("Content-Length", fmt.Sprint(n), file(n))
		all[fmt.Sprintf("copy of %d", n)] = text(n, io.EOF)
		all[fmt.Sprintf("copy of %d, with a length", n)] = with("Content-Length", fmt.Sprint(n), text(n, io.EOF))
		all[fmt.Sprintf("copy of %d that breaks", n)] = text(n, errBroken)
	}
	seq := func(all ...reply) reply {
		return func(w http.ResponseWriter, r *http.Request, saw *notes) {
			for _, h := range all {
				h(w, r, saw)
			}
		}
	}
	all["copy after Write"] = with("Content-Length", "3005", seq(write("hello"), file(3000)))
	all["copy after Flush"] = with("Content-Length", "3005", seq(flushed("hello"), file(3000)))
	all["copy, then Write"] = with("Content-Length", "3005", seq(file(3000), write("hello")))
	all["copy, then Write, chunked"] = seq(file(3000), write("hello"))
	all["two copies"] = with("Content-Length", "6000", seq(file(3000), file(3000)))
	all["copy too long"] = with("Content-Length", "3", file(5))
	all["copy too short"] = with("Content-Length", "4000", file(3000))
	all["copy to 204"] = seq(status(204), file(5))
	all["copy to 304"] = seq(status(304), file(3000))
	all["copy, identity"] = with("Transfer-Encoding", "identity", file(3000))
	return all
}
