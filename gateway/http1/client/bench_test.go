package client_test

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"sessiongate/gateway/http1/client"
)

// serveFixed answers every request on every connection with the same bytes, as fast as Go can, so
// that what the benchmarks show is our transport.
func serveFixed(b *testing.B, answer []byte) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 4096)
				for {
					if _, err := c.Read(buf); err != nil {
						return
					}
					if _, err := c.Write(answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

func benchLeg(b *testing.B, rt http.RoundTripper, cancelable, parallel bool) {
	body := strings.Repeat("x", 1024)
	addr := serveFixed(b, []byte("HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\n"+
		"Content-Type: application/json\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\nConnection: keep-alive\r\n"+
		"Cache-Control: no-store\r\n\r\n"+body))
	loop := func(next func() bool) {
		buf := make([]byte, 32<<10)
		ctx := context.Background()
		if cancelable {
			var cancel context.CancelFunc
			ctx, cancel = context.WithCancel(ctx)
			defer cancel()
		}
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/api/orders/7?page=2", nil)
		for name, value := range map[string]string{
			"Accept": "application/json", "User-Agent": "Mozilla/5.0", "Accept-Language": "en", "Authorization": "Bearer x",
			"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Host": "app", "X-Forwarded-Proto": "https", "X-Request-Id": "r",
		} {
			req.Header.Set(name, value)
		}
		for next() {
			res, err := rt.RoundTrip(req)
			if err != nil {
				b.Error(err)
				return
			}
			for err == nil {
				_, err = res.Body.Read(buf)
			}
			res.Body.Close()
		}
	}
	b.ReportAllocs()
	if parallel {
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) { loop(pb.Next) })
		return
	}
	loop(b.Loop)
}

func BenchmarkFast(b *testing.B)     { benchBoth(b, false) }
func BenchmarkStandard(b *testing.B) { benchBoth(b, true) }

// benchBoth runs one request at a time, and 16 per processor.
func benchBoth(b *testing.B, standard bool) {
	for _, parallel := range []bool{false, true} {
		b.Run("parallel="+strconv.FormatBool(parallel), func(b *testing.B) {
			var rt http.RoundTripper
			tr := newStandard()
			if rt = tr; !standard {
				var err error
				if rt, err = client.New(client.Options{Fallback: tr}); err != nil {
					b.Fatal(err)
				}
			}
			defer rt.(interface{ CloseIdleConnections() }).CloseIdleConnections()
			benchLeg(b, rt, true, parallel)
		})
	}
}
