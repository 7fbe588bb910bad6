package e2e

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sessiongate/configs"
	"sessiongate/session/testserver"
)

const oidcOrigin = "http://oidc.localhost:8081"

// realm is what these tests read of configs/deploy/keycloak-realm.json.
type realm struct {
	Realm        string `json:"realm"`
	Enabled      bool   `json:"enabled"`
	SSLRequired  string `json:"sslRequired"`
	AccessTime   int    `json:"accessTokenLifespan"`
	Idle         int    `json:"ssoSessionIdleTimeout"`
	Age          int    `json:"ssoSessionMaxLifespan"`
	Rotation     bool   `json:"revokeRefreshToken"`
	Reuse        int    `json:"refreshTokenMaxReuse"`
	Registration bool   `json:"registrationAllowed"`
	Roles        struct {
		Realm []realmRole `json:"realm"`
	} `json:"roles"`
	Users   []realmUser   `json:"users"`
	Clients []realmClient `json:"clients"`
}

type realmRole struct {
	Name string `json:"name"`
}

type realmUser struct {
	Username      string   `json:"username"`
	Enabled       bool     `json:"enabled"`
	Email         string   `json:"email"`
	EmailVerified bool     `json:"emailVerified"`
	FirstName     string   `json:"firstName"`
	LastName      string   `json:"lastName"`
	Roles         []string `json:"realmRoles"`
	Credentials   []struct {
		Type      string `json:"type"`
		Value     string `json:"value"`
		Temporary bool   `json:"temporary"`
	} `json:"credentials"`
}

type realmClient struct {
	ID            string            `json:"clientId"`
	Secret        string            `json:"secret"`
	Authenticator string            `json:"clientAuthenticatorType"`
	Public        bool              `json:"publicClient"`
	Standard      bool              `json:"standardFlowEnabled"`
	Implicit      bool              `json:"implicitFlowEnabled"`
	Direct        bool              `json:"directAccessGrantsEnabled"`
	Service       bool              `json:"serviceAccountsEnabled"`
	RedirectURIs  []string          `json:"redirectUris"`
	WebOrigins    []string          `json:"webOrigins"`
	Attributes    map[string]string `json:"attributes"`
	Mappers       []struct {
		Name   string            `json:"name"`
		Mapper string            `json:"protocolMapper"`
		Config map[string]string `json:"config"`
	} `json:"protocolMappers"`
}

// mapper returns the settings of the client's one mapper of a kind for a claim.
func (c realmClient) mapper(kind, claim string) map[string]string {
	for _, m := range c.Mappers {
		if m.Mapper == kind && m.Config["claim.name"] == claim {
			return m.Config
		}
	}
	return nil
}

func readRealm(t *testing.T, c composition) (r realm) {
	t.Helper()
	text, err := os.ReadFile(c.Services["keycloak"].mounted("/opt/keycloak/data/import/realm.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Clients) != 1 || len(r.Users) != 2 {
		t.Fatalf("%d clients, %d users", len(r.Clients), len(r.Users))
	}
	return r
}

// TestComposeRealm holds the realm that Keycloak imports to the gateway's configuration, to the
// demo's API and to the services around: no test runs Keycloak itself.
func TestComposeRealm(t *testing.T) {
	t.Parallel()
	c := readComposition(t)
	r := readRealm(t, c)
	client, keycloak, api := r.Clients[0], c.Services["keycloak"], c.Services["api-oidc"]
	config := gatewayConfig(t, c.Services["gateway-oidc"])
	p := config.Providers[0]
	callback := config.Server.PublicURL + config.Server.AuthPrefix
	audience, roles, id := client.mapper("oidc-audience-mapper", ""), client.mapper("oidc-usermodel-realm-role-mapper", p.OIDC.RolesClaim),
		client.mapper("oidc-hardcoded-claim-mapper", "client_id")
	for what, is := range map[string]bool{
		"the issuer": p.OIDC.Issuer == keycloak.Environment["KC_HOSTNAME"]+"/realms/"+r.Realm,
		"Keycloak's port is one inside and outside": keycloak.Environment["KC_HOSTNAME"] == "http://keycloak.localhost:"+keycloak.Environment["KC_HTTP_PORT"] &&
			slices.Equal(keycloak.Ports, []string{"127.0.0.1:" + keycloak.Environment["KC_HTTP_PORT"] + ":" + keycloak.Environment["KC_HTTP_PORT"]}),
		"Keycloak's name inside": strings.Contains(fmt.Sprint(keycloak.Networks), "keycloak.localhost"),
		"the client": client.ID == p.OIDC.ClientID && !client.Public && client.Authenticator == "client-secret" &&
			p.OIDC.AuthMethod == "client_secret_basic",
		"the secret is not in the file": client.Secret == "${SESSIONGATE_CLIENT_SECRET}" &&
			strings.Contains(strings.Join(keycloak.line(), "\n"), "SESSIONGATE_CLIENT_SECRET=$(</client-secrets/keycloak.client)"),
		"the code flow alone, with PKCE": client.Standard && !client.Implicit && !client.Direct && !client.Service &&
			client.Attributes["pkce.code.challenge.method"] == "S256",
		"the redirect URI":              slices.Equal(client.RedirectURIs, []string{callback + "/callback/" + p.Name}),
		"no origin may call from pages": client.WebOrigins != nil && len(client.WebOrigins) == 0,
		"the post-logout URI":           client.Attributes["post.logout.redirect.uris"] == callback+"/logout/done" && p.OIDC.Logout.RPInitiated,
		"the back-channel logout URL": client.Attributes["backchannel.logout.url"] ==
			"http://gateway-oidc:8080"+config.Server.AuthPrefix+"/back-channel-logout/"+p.Name && client.Attributes["backchannel.logout.session.required"] == "true",
		"scopes that every Keycloak has, and no offline token": slices.Equal(p.OIDC.Scopes, []string{"openid", "profile"}),
		"roles in both tokens, as a list":                      roles["id.token.claim"] == "true" && roles["access.token.claim"] == "true" && roles["multivalued"] == "true",
		"the API's audience":                                   audience["access.token.claim"] == "true" && audience["included.custom.audience"] == flagOf(api, "--audience"),
		"the API's issuer":                                     flagOf(api, "--issuer") == p.OIDC.Issuer && flagOf(api, "--jwks") == p.OIDC.Issuer+"/protocol/openid-connect/certs",
		"access tokens by RFC 9068": client.Attributes["access.token.header.type.rfc9068"] == "true" &&
			id["claim.value"] == client.ID && id["access.token.claim"] == "true",
		"a short life and rotation": r.AccessTime >= 30 && r.AccessTime <= 120 && r.Rotation && r.Reuse == 1,
		"Keycloak's session lasts as ours": time.Duration(r.Idle)*time.Second >= time.Duration(config.Session.IdleTimeout) &&
			time.Duration(r.Age)*time.Second >= time.Duration(config.Session.AbsoluteLifetime),
		"the realm is open to no one else": r.Enabled && !r.Registration && r.SSLRequired == "external",
	} {
		if !is {
			t.Errorf("%s: %s does not fit", keycloak.mounted("/opt/keycloak/data/import/realm.json"), what)
		}
	}
	for _, u := range r.Users { // what is missing, Keycloak would ask for at the first sign-in
		known := len(u.Credentials) == 1 && u.Credentials[0].Type == "password" && !u.Credentials[0].Temporary &&
			strings.Contains(configs.DemoUsers, u.Username+" / "+u.Credentials[0].Value)
		if !known || !u.Enabled || u.Email == "" || !u.EmailVerified || u.FirstName == "" || u.LastName == "" || len(u.Roles) == 0 {
			t.Errorf("user %s is not complete, or not the demo's", u.Username)
		}
		for _, role := range u.Roles {
			if !slices.Contains(r.Roles.Realm, realmRole{role}) {
				t.Errorf("user %s has the role %s, which there is not", u.Username, role)
			}
		}
	}
}

// flagOf is the value of a flag of a service's command.
func flagOf(s composedService, flag string) string {
	if i := slices.Index(s.Command, flag); i >= 0 && i+1 < len(s.Command) {
		return s.Command[i+1]
	}
	return ""
}

// putProviderInKeycloaksPlace writes what runs as kc.sh: npm oidc-provider, with the realm's one
// client, its secret from where Keycloak gets it, and tokens as the realm's mappers make them.
func (c *composed) putProviderInKeycloaksPlace() {
	c.t.Helper()
	modules := installModules(c.t, realProvider, "oidc-provider")
	folder, err := filepath.Abs(realProvider)
	if err != nil {
		c.t.Fatal(err)
	}
	r := readRealm(c.t, c.composition)
	client, roles := r.Clients[0], make(map[string][]string)
	for _, u := range r.Users {
		roles[u.Username] = u.Roles
	}
	_, port, _ := strings.Cut(c.at["keycloak"], ":")
	settings, err := json.Marshal(map[string]any{
		"client": client.ID, "redirect": client.RedirectURIs, "postLogout": []string{client.Attributes["post.logout.redirect.uris"]},
		"backChannel": c.inside("keycloak", client.Attributes["backchannel.logout.url"]), "lifetime": r.AccessTime, "always": true,
		"audience": client.mapper("oidc-audience-mapper", "")["included.custom.audience"], "roles": roles,
		"port": json.Number(port), "path": "/realms/" + r.Realm, "jwks": "/protocol/openid-connect/certs",
	})
	if err != nil {
		c.t.Fatal(err)
	}
	script := fmt.Sprintf(`#!/bin/sh
test "$*" = "start-dev --import-realm" || exit 2
exec '%s' '%s/provider.mjs' '%s' '%s'
`, testserver.Need(c.t, "node"), folder, modules, settings)
	if err := os.WriteFile(filepath.Join(c.dir, "kc.sh"), []byte(script), 0o700); err != nil {
		c.t.Fatal(err)
	}
}

func TestComposeOIDCAsProcesses(t *testing.T) {
	t.Parallel()
	testserver.Need(t, "redis")
	c := newComposed(t, 25_000)
	c.putProviderInKeycloaksPlace()
	c.up("keys", "redis", "keycloak", "api-oidc", "gateway-oidc")

	grace := c.visitor()
	grace.signIn("grace")
	if doc := grace.ok("/auth/session").body; !strings.Contains(doc, `"sub":"grace"`) || !strings.Contains(doc, `"admin"`) {
		t.Errorf("session document %s", doc)
	}
	if a := grace.get("/api/admin/metrics"); a.status != http.StatusOK {
		t.Errorf("the API does not see the role: %s", a)
	}
	grace.refreshes()
	c.restartRedis()
	eventually(t, "the session survives a restart of Redis", func() bool { return grace.browser.get("/api/me").status == http.StatusOK })

	// Signed out here, and at the provider too.
	page, ok := strings.CutPrefix(grace.logoutURL(), oidcOrigin)
	if !ok {
		t.Fatalf("logout leads to %q", page)
	}
	leave := grace.browser.get(page, navigating("same-origin")).header.Get("Location")
	back := grace.through(leave, "")
	if a := grace.browser.get(back, fromProvider); a.status != http.StatusSeeOther || a.header.Get("Location") != "/bye" {
		t.Errorf("back from the provider: %s", a)
	}
	other := c.visitor()
	other.idp = grace.idp
	if back := other.through(other.leave(), ""); back != "" {
		t.Error("the provider's session goes on after a logout")
	}

	// Signed out at the provider: it tells the gateway, which this browser did not ask.
	ada := c.visitor()
	ada.signIn("ada")
	if a := ada.get("/api/admin/metrics"); a.status != http.StatusForbidden {
		t.Errorf("ada is no admin: %s", a)
	}
	ada.through("http://"+c.at["keycloak"]+"/realms/demo/session/end", "")
	eventually(t, "the session ends by a back-channel logout", func() bool {
		return strings.Contains(ada.ok("/auth/session?touch=false").body, `"reason":"back_channel_logout"`)
	})
}

// visitor is a browser with a second jar, for the provider.
type visitor struct{ *oidcBrowser }

func (c *composed) visitor() visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return visitor{&oidcBrowser{browser: c.browser("gateway-oidc", oidcOrigin), idp: &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}}
}

func (v visitor) leave() string {
	v.t.Helper()
	a := v.get("/auth/login?return_to=/", navigating("same-origin"))
	if a.status != http.StatusSeeOther {
		v.t.Fatalf("login: %s", a)
	}
	return a.header.Get("Location")
}

func (v visitor) signIn(user string) {
	v.t.Helper()
	if a := v.browser.get(v.through(v.leave(), user), fromProvider); a.status != http.StatusOK || v.cookie() == "" {
		v.t.Fatalf("callback: %s", a)
	}
}

var (
	providersForm  = regexp.MustCompile(`(?s)<form[^>]* action="([^"]+)".*?</form>`)
	providersInput = regexp.MustCompile(`<(?:input|button)[^>]*\bname="([a-z]+)"[^>]*>`)
	providersValue = regexp.MustCompile(`\bvalue="([^"]*)"`)
)

// through goes through the provider's pages until they lead back to our origin, and returns the path
// there; empty: they stop before, at a page without a form, or one that asks for a name where user
// is empty.
func (v visitor) through(page, user string) string {
	v.t.Helper()
	send := func() (*http.Response, error) { return v.idp.Get(page) }
	for range 12 {
		res, err := send()
		if err != nil {
			v.t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode >= http.StatusBadRequest {
			v.t.Fatalf("provider: %s %v\n%s", res.Status, err, text)
		}
		if to, err := res.Location(); err == nil {
			if back, ok := strings.CutPrefix(to.String(), oidcOrigin); ok {
				return back
			}
			page = to.String()
			send = func() (*http.Response, error) { return v.idp.Get(page) }
			continue
		}
		form := providersForm.FindStringSubmatch(string(text))
		if form == nil || user == "" && strings.Contains(form[0], `name="login"`) {
			return ""
		}
		fields := url.Values{}
		for _, input := range providersInput.FindAllStringSubmatch(string(text), -1) { // buttons may stand outside
			if value := providersValue.FindStringSubmatch(input[0]); value != nil && !fields.Has(input[1]) {
				fields.Set(input[1], html.UnescapeString(value[1]))
			}
		}
		if strings.Contains(form[0], `name="login"`) {
			fields.Set("login", user)
			fields.Set("password", "anything")
		}
		action, err := res.Request.URL.Parse(html.UnescapeString(form[1]))
		if err != nil {
			v.t.Fatal(err)
		}
		send = func() (*http.Response, error) { return v.idp.PostForm(action.String(), fields) }
	}
	v.t.Fatal("the provider leads in circles")
	return ""
}
