package program

import (
	"cmp"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"sessiongate/configs"
	"sessiongate/gateway"
	"sessiongate/gateway/telemetry"
	"sessiongate/web"
)

// serverOptions adds to o what the configuration says about the public listener.
func serverOptions(o gateway.Options, c *configs.Config) (_ gateway.Options, err error) {
	if o.PublicURL, err = url.Parse(c.Server.PublicURL); err != nil {
		return o, errors.New("server.public_url is not a URL")
	}
	o.AuthPrefix, o.LoginPage = c.Server.AuthPrefix, c.Session.LoginPage
	o.AfterLogout, o.PromptAfterLogout = c.Session.AfterLogout, promptsAfterLogout(c)
	o.Pages = pages(c, o.PublicURL.Host)
	o.TokenEndpoints = c.ExplicitTokens.Enabled
	o.HSTS, o.BodyTimeout = time.Duration(c.Server.HSTS), time.Duration(c.Server.Limits.BodyTimeout)
	o.BodyRate = int64(c.Server.Limits.BodyRate)
	o.AllowedOrigins, o.ForwardedHeader = c.CrossOrigin.AllowedOrigins, c.Server.ForwardedHeader
	o.ClearSiteData = c.Session.ClearSiteData == "logout"
	o.SameSite = http.SameSiteStrictMode
	if c.Session.SameSite == "lax" {
		o.SameSite = http.SameSiteLaxMode
	}
	if o.TrustedProxies, err = trustedProxies(c); err != nil {
		return o, err
	}
	switch c.Log.Access {
	case "sampled":
		o.Access = telemetry.AccessSampled
	case "all":
		o.Access = telemetry.AccessAll
	}
	return o, nil
}

// pages are how the gateway's own pages look; host is the site's.
func pages(c *configs.Config, host string) web.Options {
	p := &c.Pages
	return web.Options{
		Name: cmp.Or(p.Name, host), Accent: p.Accent, Stylesheet: p.StylesheetText, Logo: p.LogoImage,
		Languages: p.Languages, Messages: p.Catalogues, Home: p.Home, Links: web.Links(p.Links), Footer: p.Footer,
	}
}

// trustedProxies reads addresses and networks.
func trustedProxies(c *configs.Config) (list []netip.Prefix, err error) {
	for _, text := range c.Server.TrustedProxies {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			addr, err := netip.ParseAddr(text)
			if err != nil {
				return nil, errors.New("server.trusted_proxies holds neither an address nor a network")
			}
			network = netip.PrefixFrom(addr, addr.BitLen())
		}
		list = append(list, network)
	}
	return list, nil
}
