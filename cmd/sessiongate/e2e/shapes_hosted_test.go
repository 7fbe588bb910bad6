package e2e

import (
	"fmt"
	"time"
)

// Back ends as a product or a service.
func hostedShapes() map[string]shape {
	return map[string]shape{
		"Supabase":              supabase(),
		"Firebase":              firebase(),
		"PocketBase":            pocketBase(),
		"Nhost":                 nhost(),
		"Appwrite":              appwrite(),
		"Parse":                 parse(),
		"Keycloak password":     keycloak(),
		"Saleor":                saleor(),
		"Jellyfin":              jellyfin(),
		"Mattermost":            mattermost(),
		"expiry in words":       expiryAs(`"15m"`, "expires_in: expires", 15*time.Minute),
		"expiry in ms":          expiryAs(`900000`, "expires_in: expires, expires_unit: ms", 15*time.Minute),
		"expiry in ISO":         expiryAs(`"ISO"`, "expires_in: expires", 15*time.Minute),
		"expiry as epoch":       expiryAs(`EPOCH`, "expires_in: expires", 15*time.Minute),
		"expiry as epoch in ms": expiryAs(`"MILLIS"`, "expires_in: expires", 15*time.Minute),
	}
}

func supabase() shape {
	return shape{
		config: `
preset: supabase
headers: [{name: apikey, value: anon}]
forward: ["header:Authorization: Bearer {{access_token}}", "header:apikey: anon"]`,
		claims: `"sub":"ada","email":"ada@example.com","role":"authenticated","exp":EPOCH`, roles: "authenticated", page: "/rest/v1/things",
		api: func(b *book, on route) {
			const tokens = `{"access_token":"ACCESS","token_type":"bearer","expires_in":3600,"expires_at":EPOCH,"refresh_token":"REFRESH","user":{"id":"ada"}}`
			on("POST /auth/v1/token", func(q asked) told {
				switch {
				case q.at("header:apikey") != "anon":
					return say(401, `{"message":"No API key found in request"}`)
				case q.at("query:grant_type") == "refresh_token":
					return b.rotate(q.at("refresh_token"), say(400, `{"code":400,"error_code":"refresh_token_not_found","msg":"Invalid Refresh Token: Refresh Token Not Found"}`), tokens)
				case !b.known(q.at("email"), q.at("password")):
					return say(400, `{"code":400,"error_code":"invalid_credentials","msg":"Invalid login credentials"}`)
				}
				return b.begin(tokens)
			})
			on("POST /auth/v1/logout", func(q asked) told { return b.revoke(q.bearer("Bearer"), say(401, `{"code":401}`), say(204, "")) })
			on("GET /rest/v1/things", func(q asked) told {
				if q.at("header:apikey") != "anon" {
					return say(401, `{"message":"No API key found in request"}`)
				}
				return b.page(q.bearer("Bearer"), say(401, `{"code":"PGRST301","message":"JWT expired"}`))
			})
		},
	}
}

// Two hosts, the key in the query, seconds as text, and other names at the refresh.
func firebase() shape {
	return shape{
		config: `
preset: firebase
values: [{name: key, value: AIza}]
refresh: {path: BASE/v1/token}`,
		claims: `"iss":"https://securetoken.google.com/p","sub":"ada","email":"ada@example.com","exp":EPOCH`, page: "/things", deaf: true,
		api: func(b *book, on route) {
			on("POST /v1/accounts:signInWithPassword", func(q asked) told {
				if q.at("query:key") != "AIza" || q.at("returnSecureToken") != "true" {
					return say(403, `{"error":{"code":403,"message":"The request is missing a valid API key."}}`)
				}
				if !b.known(q.at("email"), q.at("password")) {
					return say(400, `{"error":{"code":400,"message":"INVALID_LOGIN_CREDENTIALS"}}`)
				}
				return b.begin(`{"kind":"identitytoolkit#VerifyPasswordResponse","localId":"ada","idToken":"ACCESS","refreshToken":"REFRESH","expiresIn":"3600"}`)
			})
			on("POST /v1/token", func(q asked) told {
				return b.reuse(q.at("refresh_token"), say(400, `{"error":{"code":400,"message":"TOKEN_EXPIRED","status":"INVALID_ARGUMENT"}}`),
					`{"access_token":"ACCESS","expires_in":"3600","token_type":"Bearer","refresh_token":"REFRESH","id_token":"ACCESS","user_id":"ada"}`)
			})
			on("GET /things", func(q asked) told { return b.page(q.bearer("Bearer"), say(401, `{"error":"expired"}`)) })
		},
	}
}

// A living token for a new one, and the token bare in Authorization.
func pocketBase() shape {
	return shape{
		config: `preset: pocketbase`,
		claims: `"collectionId":"_pb_users_auth_","id":"pb1","refreshable":true,"type":"auth","exp":EPOCH`, subject: "pb1", life: 4 * time.Hour,
		page: "/api/collections/things/records", deaf: true,
		api: func(b *book, on route) {
			b.needsLive = true
			const tokens = `{"record":{"id":"pb1","name":"Ada"},"token":"ACCESS"}`
			not := say(401, `{"data":{},"message":"The request requires valid record authorization token.","status":401}`)
			on("POST /api/collections/users/auth-with-password", func(q asked) told {
				if !b.known(q.at("identity"), q.at("password")) {
					return say(400, `{"data":{},"message":"Failed to authenticate.","status":400}`)
				}
				return b.begin(tokens)
			})
			on("POST /api/collections/users/auth-refresh", func(q asked) told { return b.exchange(q.at("header:Authorization"), not, tokens) })
			on("GET /api/collections/things/records", func(q asked) told { return b.page(q.at("header:Authorization"), not) })
		},
	}
}

// MFA is a 200 without a session.
func nhost() shape {
	return shape{
		config: `
login: {path: /v1/signin/email-password, username: email, answers: ["mfa_required: 200 mfa.ticket=*", "email_not_confirmed: 401 error=unverified-user"], relay: [mfa.ticket]}
refresh: {path: /v1/token, refresh_token: refreshToken}
logout: {path: /v1/signout, refresh_token: refreshToken}
reply:
  access_token: [session.accessToken, accessToken]
  refresh_token: [session.refreshToken, refreshToken]
  expires_in: [session.accessTokenExpiresIn, accessTokenExpiresIn]
identity: {from: token, subject: sub, roles: "https://hasura.io/jwt/claims.x-hasura-allowed-roles"}`,
		claims: `"https://hasura.io/jwt/claims":{"x-hasura-allowed-roles":["me","user"]},"sub":"ada","exp":EPOCH`, roles: "me user", life: 15 * time.Minute,
		api: func(b *book, on route) {
			const tokens = `"accessToken":"ACCESS","accessTokenExpiresIn":900,"refreshToken":"REFRESH","user":{"id":"ada"}}`
			invalid := say(401, `{"status":401,"message":"Invalid or expired refresh token","error":"invalid-refresh-token"}`)
			on("POST /v1/signin/email-password", func(q asked) told {
				if !b.known(q.at("email"), q.at("password")) {
					return say(401, `{"status":401,"message":"Incorrect email or password","error":"invalid-email-password"}`)
				}
				return b.begin(`{"session":{` + tokens + `,"mfa":null}`)
			})
			on("POST /v1/token", func(q asked) told { return b.rotate(q.at("refreshToken"), invalid, `{`+tokens) })
			on("POST /v1/signout", func(q asked) told { return b.revoke(q.at("refreshToken"), invalid, say(200, `"OK"`)) })
			on("GET /me", func(q asked) told { return b.page(q.bearer("Bearer"), say(401, `{"error":"invalid-request"}`)) })
		},
	}
}

// A session's secret in a header of its own, with the project's name beside it.
func appwrite() shape {
	return shape{
		config: `
headers: [{name: X-Appwrite-Project, value: p1}, {name: X-Appwrite-Key, value: standard_key}]
login: {path: /v1/account/sessions/email, username: email}
logout: {path: /v1/account/sessions/current, method: DELETE, access_token: "header:X-Appwrite-Session"}
reply: {access_token: secret, expires_in: expire}
identity: {from: reply, subject: userId}
forward: ["header:X-Appwrite-Session: {{access_token}}", "header:X-Appwrite-Project: p1"]`,
		subject: "ada", life: 48 * time.Hour, page: "/v1/account", dead: noRefresh,
		api: func(b *book, on route) {
			not := say(401, `{"message":"User (role: guests) missing scopes ([\"account\"])","code":401,"type":"general_unauthorized_scope"}`)
			on("POST /v1/account/sessions/email", func(q asked) told {
				if !b.known(q.at("email"), q.at("password")) {
					return say(401, `{"message":"Invalid credentials.","code":401,"type":"user_invalid_credentials"}`)
				}
				answer := b.begin(`{"$id":"s1","userId":"ada","expire":"ISO","secret":"ACCESS"}`)
				answer.status = 201
				return answer
			})
			on("DELETE /v1/account/sessions/current", func(q asked) told { return b.revoke(q.at("header:X-Appwrite-Session"), not, say(204, "")) })
			on("GET /v1/account", func(q asked) told {
				if q.at("header:X-Appwrite-Project") != "p1" {
					return not
				}
				return b.page(q.at("header:X-Appwrite-Session"), not)
			})
		},
	}
}

// An opaque session token among the user's own fields, and two headers.
func parse() shape {
	return shape{
		config: `
headers: [{name: X-Parse-Application-Id, value: app}]
login: {path: /parse/login, refused: [404]}
logout: {path: /parse/logout, access_token: "header:X-Parse-Session-Token", refused: [400, 401]}
reply: {access_token: sessionToken}
identity: {from: reply, subject: objectId, name: username}
forward: ["header:X-Parse-Session-Token: {{access_token}}", "header:X-Parse-Application-Id: app"]
access_lifetime: 30d`,
		subject: "o1", life: 30 * 24 * time.Hour, page: "/parse/classes/Thing", dead: noRefresh,
		api: func(b *book, on route) {
			invalid := say(400, `{"code":209,"error":"Invalid session token"}`)
			on("POST /parse/login", func(q asked) told {
				if !b.known(q.at("username"), q.at("password")) {
					return say(404, `{"code":101,"error":"Invalid username/password."}`)
				}
				return b.begin(`{"objectId":"o1","username":"ada","sessionToken":"ACCESS"}`)
			})
			on("POST /parse/logout", func(q asked) told { return b.revoke(q.at("header:X-Parse-Session-Token"), invalid, say(200, `{}`)) })
			on("GET /parse/classes/Thing", func(q asked) told {
				if q.at("header:X-Parse-Application-Id") != "app" {
					return say(403, `{"error":"unauthorized"}`)
				}
				return b.page(q.at("header:X-Parse-Session-Token"), invalid)
			})
		},
	}
}

func keycloak() shape {
	return shape{
		config: `
values: [{name: secret, value: k&y}]
login:
  path: /realms/main/protocol/openid-connect/token
  encoding: form
  body: grant_type=password&client_id=web&client_secret={{values.secret}}&scope=openid&username={{username}}&password={{password}}
refresh:
  path: /realms/main/protocol/openid-connect/token
  encoding: form
  body: grant_type=refresh_token&client_id=web&client_secret={{values.secret}}&refresh_token={{refresh_token}}
logout:
  path: /realms/main/protocol/openid-connect/logout
  encoding: form
  body: client_id=web&client_secret={{values.secret}}&refresh_token={{refresh_token}}
identity: {subject: sub, name: preferred_username, roles: realm_access.roles}`,
		claims: `"iss":"http://id/realms/main","sub":"ada","preferred_username":"ada","realm_access":{"roles":["offline_access","admin"]},"exp":EPOCH`,
		roles:  "offline_access admin", life: 5 * time.Minute,
		api: func(b *book, on route) {
			const tokens = `{"access_token":"ACCESS","expires_in":300,"refresh_expires_in":1800,"refresh_token":"REFRESH","token_type":"Bearer","id_token":"ACCESS","scope":"openid"}`
			client := func(f func(asked) told) func(asked) told {
				return func(q asked) told {
					if q.at("client_secret") != "k&y" {
						return say(401, `{"error":"unauthorized_client","error_description":"Invalid client or Invalid client credentials"}`)
					}
					return f(q)
				}
			}
			inactive := say(400, `{"error":"invalid_grant","error_description":"Token is not active"}`)
			on("POST /realms/main/protocol/openid-connect/token", client(func(q asked) told {
				if q.at("grant_type") == "refresh_token" {
					return b.rotate(q.at("refresh_token"), inactive, tokens)
				}
				if !b.known(q.at("username"), q.at("password")) {
					return say(401, `{"error":"invalid_grant","error_description":"Invalid user credentials"}`)
				}
				return b.begin(tokens)
			}))
			on("POST /realms/main/protocol/openid-connect/logout", client(func(q asked) told {
				return b.revoke(q.at("refresh_token"), inactive, say(204, ""))
			}))
			on("GET /me", func(q asked) told {
				return b.page(q.bearer("Bearer"), say(401, "", `WWW-Authenticate: Bearer error="invalid_token"`))
			})
		},
	}
}

// GraphQL that says its refusals in the data, and a refresh that does not rotate.
func saleor() shape {
	return shape{
		config: `
login:
  path: /graphql/
  body: '{"query": "mutation($e: String!, $p: String!) { tokenCreate(email: $e, password: $p) { token refreshToken user { id } errors { code } } }", "variables": {"e": "{{username}}", "p": "{{password}}"}}'
  answers: ["refused: data.tokenCreate.errors.*.code=*"]
refresh:
  path: /graphql/
  body: '{"query": "mutation($t: String!) { tokenRefresh(refreshToken: $t) { token errors { code } } }", "variables": {"t": "{{refresh_token}}"}}'
  answers: ["refused: data.tokenRefresh.errors.*.code=*"]
reply:
  access_token: [data.tokenCreate.token, data.tokenRefresh.token]
  refresh_token: data.tokenCreate.refreshToken
identity: {subject: user_id, name: email, roles: is_staff}
capture: [{path: /graphql/}]`,
		claims: `"iss":"http://saleor/graphql/","type":"access","user_id":"VXNlcjox","is_staff":true,"exp":EPOCH`, subject: "VXNlcjox", roles: "is_staff",
		life: 5 * time.Minute, page: "/graphql/?query={shop{name}}", deaf: true,
		api: func(b *book, on route) {
			on("POST /graphql/", func(q asked) told {
				if q.at("query") == "" {
					return say(400, noQuery)
				}
				if t := q.at("variables.t"); t != "" {
					return b.reuse(t, say(200, `{"data":{"tokenRefresh":{"token":null,"errors":[{"code":"JWT_INVALID_TOKEN"}]}}}`),
						`{"data":{"tokenRefresh":{"token":"ACCESS","errors":[]}}}`)
				}
				if !b.known(q.at("variables.e"), q.at("variables.p")) {
					return say(200, `{"data":{"tokenCreate":{"token":null,"refreshToken":null,"user":null,"errors":[{"code":"INVALID_CREDENTIALS"}]}}}`)
				}
				return b.begin(`{"data":{"tokenCreate":{"token":"ACCESS","refreshToken":"REFRESH","user":{"id":"VXNlcjox"},"errors":[]}}}`)
			})
			on("GET /graphql/", func(q asked) told {
				return b.page(q.bearer("Bearer"), say(200, `{"errors":[{"extensions":{"exception":{"code":"ExpiredSignatureError"}}}]}`))
			})
		},
	}
}

// A scheme of its own, with a name and quotes.
func jellyfin() shape {
	return shape{
		config: `
headers: [{name: X-Emby-Authorization, value: 'MediaBrowser Client="web", Device="browser", DeviceId="1", Version="1.0"'}]
login: {path: /Users/AuthenticateByName, body: '{"Username": "{{username}}", "Pw": "{{password}}"}'}
logout: {path: /Sessions/Logout, access_token: "header:X-Emby-Token"}
reply: {access_token: AccessToken}
identity: {from: reply, subject: User.Id, name: User.Name, roles: User.Policy.IsAdministrator}
forward: ['header:Authorization: MediaBrowser Token="{{access_token}}"']
access_lifetime: 30d`,
		subject: "j1", roles: "IsAdministrator", life: 30 * 24 * time.Hour, page: "/Users/Me", dead: noRefresh,
		api: func(b *book, on route) {
			on("POST /Users/AuthenticateByName", func(q asked) told {
				if q.at("header:X-Emby-Authorization") == "" {
					return say(400, `"no client"`)
				}
				if !b.known(q.at("Username"), q.at("Pw")) {
					return say(401, "")
				}
				return b.begin(`{"User":{"Name":"Ada","Id":"j1","Policy":{"IsAdministrator":true}},"AccessToken":"ACCESS","ServerId":"x"}`)
			})
			on("POST /Sessions/Logout", func(q asked) told { return b.revoke(q.at("header:X-Emby-Token"), say(401, ""), say(204, "")) })
			on("GET /Users/Me", func(q asked) told {
				var token string
				_, _ = fmt.Sscanf(q.at("header:Authorization"), "MediaBrowser Token=%q", &token)
				return b.page(token, say(401, ""))
			})
		},
	}
}

// The token in a header of the answer, roles as one text.
func mattermost() shape {
	return shape{
		config: `
login: {path: /api/v4/users/login, username: login_id, extra: [token], send: ["token: {{extra.token}}"], answers: ["mfa_required: 401 id=mfa.validate_token.authenticate.app_error"]}
logout: {path: /api/v4/users/logout, access_token: "header:Authorization"}
reply: {access_token: "header:Token"}
identity: {from: reply, subject: id, name: username, roles: "", scopes: roles}
access_lifetime: 30d`,
		subject: "mm1", life: 30 * 24 * time.Hour, page: "/api/v4/users/me", dead: noRefresh,
		api: func(b *book, on route) {
			expired := say(401, `{"id":"api.context.session_expired.app_error","message":"Invalid or expired session, please login again.","status_code":401}`)
			on("POST /api/v4/users/login", func(q asked) told {
				if !b.known(q.at("login_id"), q.at("password")) {
					return say(401, `{"id":"api.user.login.invalid_credentials_email_username","message":"Enter a valid email or username and/or password.","status_code":401}`)
				}
				return b.begin(`{"id":"mm1","username":"ada","roles":"system_user system_admin"}`, "Token: ACCESS")
			})
			on("POST /api/v4/users/logout", func(q asked) told { return b.revoke(q.bearer("Bearer"), expired, say(200, `{"status":"OK"}`)) })
			on("GET /api/v4/users/me", func(q asked) told { return b.page(q.bearer("Bearer"), expired) })
		},
	}
}

// Opaque tokens whose end the answer says in one of the usual ways.
func expiryAs(value, place string, life time.Duration) shape {
	return shape{
		config: fmt.Sprintf("login: {path: /login}\nrefresh: {path: /refresh}\nlogout: {path: /logout}\nreply: {%s}\nidentity: {from: reply, subject: user}\naccess_lifetime: 1d", place),
		life:   life,
		api: func(b *book, on route) {
			tokens := `{"user":"ada","access_token":"ACCESS","refresh_token":"REFRESH","expires":` + value + `}`
			no := say(401, `{"error":"no"}`)
			on("POST /login", func(q asked) told {
				if !b.known(q.at("username"), q.at("password")) {
					return no
				}
				return b.begin(tokens)
			})
			on("POST /refresh", func(q asked) told { return b.rotate(q.at("refresh_token"), no, tokens) })
			on("POST /logout", func(q asked) told { return b.revoke(q.at("refresh_token"), no, say(204, "")) })
			// 403: nothing tells the gateway that it was the token's end.
			on("GET /me", func(q asked) told { return b.page(q.bearer("Bearer"), say(403, `{"error":"no"}`)) })
		},
	}
}
