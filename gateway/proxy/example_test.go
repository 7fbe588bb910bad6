package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"

	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"
)

// A gateway in a few lines: the table finds the route, the forwarder asks the application in the
// name of the gateway's user.
func ExampleForwarder() {
	application := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s with %q and cookies %q", r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("Cookie"))
	}))
	defer application.Close()
	address, err := url.Parse(application.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	route := &routing.Route{Path: "/api/", StripPrefix: "/api", Upstream: routing.Upstream{Addresses: []*url.URL{address}}}
	table, err := routing.NewTable([]*routing.Route{route}, []string{"/auth"})
	if err != nil {
		fmt.Println(err)
		return
	}
	forwarder, err := proxy.NewForwarder(route, proxy.Options{Cookies: []string{"session"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer forwarder.Close()

	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m, err := table.Match(r.RequestURI)
		if err != nil || m.Route == nil {
			http.NotFound(w, r)
			return
		}
		failure := forwarder.Serve(w, r, nil, m.Target, proxy.GatewayHeaders{Bearer: "Bearer of-the-user"})
		switch {
		case failure == nil:
		case failure.Kind == proxy.ClientGone:
			panic(http.ErrAbortHandler)
		default:
			http.Error(w, failure.Kind.String(), failure.Kind.Status())
		}
	}))
	defer gateway.Close()

	req, err := http.NewRequest(http.MethodGet, gateway.URL+"/api/orders", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("Cookie", "session=secret; theme=dark")
	res, err := gateway.Client().Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	fmt.Println(string(body))
	// Output: /orders with "Bearer of-the-user" and cookies "theme=dark"
}
