package client_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"sessiongate/gateway/http1/client"
)

// Send takes a request in the parts that a gateway has at hand. What it does not support goes to
// the fallback, so it is never worse than that.
func ExampleTransport_Send() {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, r.Method, r.URL, r.Header.Get("Accept"))
	}))
	defer upstream.Close()
	t, err := client.New(client.Options{Fallback: http.DefaultTransport})
	if err != nil {
		log.Fatal(err)
	}
	defer t.CloseIdleConnections()

	res, err := t.Send(context.Background(), &client.Request{
		Address: upstream.Listener.Addr().String(),
		Base:    "/v1", Path: "/things", Query: "page=2", HasQuery: true,
		Fields: []client.Field{{Name: "Accept", Value: "text/plain"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	fmt.Print(string(body))
	// Output: GET /v1/things?page=2 text/plain
}
