package client_test

import (
	"context"
	"net"
	"net/http"
	"slices"
	"testing"

	"sessiongate/gateway/http1/client"
	"sessiongate/gateway/http1/http1test"
)

// writeSpy tells who writes to a connection.
type writeSpy struct {
	net.Conn
	road chan<- []string
}

func (c *writeSpy) Write(p []byte) (int, error) {
	c.road <- http1test.Callers("sessiongate/gateway/http1/client.")
	return c.Conn.Write(p)
}

// Between who sends a request and the connection's Write there are two functions: one lends a
// connection, the other uses it.
func TestRoadToTheUpstream(t *testing.T) {
	t.Parallel()
	address := http1test.Serve(t, func(c net.Conn, _ int) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = c.Write([]byte("HTTP/1.1 204 No Content\r\n\r\n"))
	})
	road := make(chan []string, 1)
	tr, err := client.New(client.Options{
		Fallback: http.DefaultTransport,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, address)
			return &writeSpy{c, road}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	res, err := tr.Send(t.Context(), &client.Request{Address: address, Path: "/"})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got, want := <-road, []string{"(*roundTrip).run", "(*Transport).Send"}; !slices.Equal(got, want) {
		t.Errorf("written by %q, want %q", got, want)
	}
}
