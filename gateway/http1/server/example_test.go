package server_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"sessiongate/gateway/http1/server"
)

// A server takes the place of the http.Server that it is made of, and has the same methods.
func ExampleServer() {
	s := server.New(&http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(w, "hello", r.URL.Path)
		}),
		ReadHeaderTimeout: 10 * time.Second,
	})
	s.WriteTimeout = time.Minute
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- s.Serve(l) }()

	res, err := http.Get("http://" + l.Addr().String() + "/world")
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	fmt.Print(string(body))

	http.DefaultClient.CloseIdleConnections()
	fmt.Println(s.Shutdown(context.Background()))
	fmt.Println(<-ended)
	// Output:
	// hello /world
	// <nil>
	// http: Server closed
}
