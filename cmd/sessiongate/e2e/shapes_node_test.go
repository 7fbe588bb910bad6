package e2e

import "time"

// APIs of the Node world.
func nodeShapes() map[string]shape {
	return map[string]shape{
		"node-express-boilerplate": nodeExpressBoilerplate(),
		"bezkoder Node":            bezkoderNode(),
		"json-server-auth":         jsonServerAuth(),
		"NestJS":                   nest(),
		"Payload":                  payload(),
		"Directus":                 directus(),
		"Strapi":                   strapi(),
		"Strapi with refresh":      strapiRefresh(),
		"Feathers":                 feathers(),
		"Medusa":                   medusa(),
		"tokens in cookies":        expressCookies(),
		"GraphQL":                  graphQL(),
		"SuperTokens":              superTokens(),
		"Rocket.Chat":              rocketChat(),
	}
}

// One shape for the sign-in, another for the refresh (hagopj13/node-express-boilerplate).
func nodeExpressBoilerplate() shape {
	return shape{
		config: `preset: node-express-boilerplate`,
		claims: `"sub":"u1","type":"access","exp":EPOCH`, subject: "u1", roles: "admin", life: 30 * time.Minute, page: "/v1/users/u1",
		api: func(b *book, on route) {
			const tokens = `{"access":{"token":"ACCESS","expires":"ISO"},"refresh":{"token":"REFRESH","expires":"2099-01-01T00:00:00.000Z"}}`
			please := say(401, `{"code":401,"message":"Please authenticate"}`)
			on("POST /v1/auth/login", func(q asked) told {
				if !b.known(q.at("email"), q.at("password")) {
					return say(401, `{"code":401,"message":"Incorrect email or password"}`)
				}
				return b.begin(`{"user":{"role":"admin","isEmailVerified":false,"name":"Ada","id":"u1"},"tokens":` + tokens + `}`)
			})
			on("POST /v1/auth/refresh-tokens", func(q asked) told { return b.rotate(q.at("refreshToken"), please, tokens) })
			on("POST /v1/auth/logout", func(q asked) told {
				return b.revoke(q.at("refreshToken"), say(404, `{"code":404,"message":"Not found"}`), say(204, ""))
			})
			on("GET /v1/users/u1", func(q asked) told { return b.page(q.bearer("Bearer"), please) })
		},
	}
}

// The token in x-access-token, roles with a prefix, a dead refresh token is 403 (the Node tutorials of
// bezkoder.com).
func bezkoderNode() shape {
	return shape{
		config: `
login: {path: /api/auth/signin}
refresh: {path: /api/auth/refreshtoken, refresh_token: refreshToken, refused: [403]}
reply: {access_token: accessToken, refresh_token: refreshToken}
identity: {from: reply, subject: id, name: username, roles: roles, role_map: ["ROLE_ADMIN: admin", "ROLE_USER: user"]}
forward: ["header:x-access-token: {{access_token}}"]`,
		claims: `"id":7,"exp":EPOCH`, subject: "7", roles: "user admin", page: "/api/test/user", deaf: true,
		api: func(b *book, on route) {
			const tokens = `"accessToken":"ACCESS","refreshToken":"REFRESH"}`
			on("POST /api/auth/signin", func(q asked) told {
				if !b.known(q.at("username"), q.at("password")) {
					return say(401, `{"accessToken":null,"message":"Invalid Password!"}`)
				}
				return b.begin(`{"id":7,"username":"ada","email":"ada@example.com","roles":["ROLE_USER","ROLE_ADMIN"],` + tokens)
			})
			on("POST /api/auth/refreshtoken", func(q asked) told {
				return b.reuse(q.at("refreshToken"), say(403, `{"message":"Refresh token is not in database!"}`), `{`+tokens)
			})
			on("GET /api/test/user", func(q asked) told {
				if q.at("header:x-access-token") == "" {
					return say(403, `{"message":"No token provided!"}`)
				}
				return b.page(q.at("header:x-access-token"), say(401, `{"message":"Unauthorized! Access Token was expired!"}`))
			})
		},
	}
}

// One token for an hour and nothing else; errors are JSON texts.
func jsonServerAuth() shape {
	return shape{
		config: `
login: {path: /login, username: email}
reply: {access_token: accessToken}
identity: {subject: sub, name: email}`,
		claims: `"email":"ada@example.com","sub":"1","exp":EPOCH`, subject: "1", page: "/664/things", dead: noRefresh, deaf: true,
		api: func(b *book, on route) {
			on("POST /login", func(q asked) told {
				if !b.known(q.at("email"), q.at("password")) {
					return say(400, `"Incorrect password"`)
				}
				return b.begin(`{"accessToken":"ACCESS","user":{"email":"ada@example.com","id":1}}`)
			})
			on("GET /664/things", func(q asked) told { return b.page(q.bearer("Bearer"), say(401, `"jwt expired"`)) })
		},
	}
}

// The refresh token as Bearer, and 403 where it is dead (the tutorials for NestJS).
func nest() shape {
	return shape{
		config: `
login: {path: /auth/signin, username: email}
refresh: {path: /auth/refresh, method: GET, refresh_token: "header:Authorization", refused: [401, 403]}
logout: {path: /auth/logout, method: GET, access_token: "header:Authorization"}
reply: {access_token: accessToken, refresh_token: refreshToken}`,
		claims: `"sub":"ada","email":"ada@example.com","roles":["editor"],"exp":EPOCH`, roles: "editor", life: 15 * time.Minute,
		api: func(b *book, on route) {
			const tokens = `{"accessToken":"ACCESS","refreshToken":"REFRESH"}`
			denied := say(403, `{"message":"Access Denied","error":"Forbidden","statusCode":403}`)
			unauthorized := say(401, `{"message":"Unauthorized","statusCode":401}`)
			on("POST /auth/signin", func(q asked) told {
				if !b.known(q.at("email"), q.at("password")) {
					return say(400, `{"message":"Password is incorrect","error":"Bad Request","statusCode":400}`)
				}
				return b.begin(tokens)
			})
			on("GET /auth/refresh", func(q asked) told { return b.rotate(q.bearer("Bearer"), denied, tokens) })
			on("GET /auth/logout", func(q asked) told { return b.revoke(q.bearer("Bearer"), unauthorized, say(200, "")) })
			on("GET /me", func(q asked) told { return b.page(q.bearer("Bearer"), unauthorized) })
		},
	}
}

// The access token renews itself while it lives, the answers of both calls name it differently, and
// the page of the user shows it.
func payload() shape {
	return shape{
		config: `preset: payload`,
		claims: `"id":"p1","collection":"users","email":"ada@example.com","exp":EPOCH`, subject: "p1", life: 2 * time.Hour, page: "/api/users/me",
		api: func(b *book, on route) {
			b.needsLive = true
			not := say(403, `{"errors":[{"message":"You are not allowed to perform this action."}]}`)
			on("POST /api/users/login", func(q asked) told {
				if !b.known(q.at("email"), q.at("password")) {
					return say(401, `{"errors":[{"name":"AuthenticationError","message":"The email or password provided is incorrect."}]}`)
				}
				return b.begin(`{"message":"Authentication Passed","user":{"id":"p1","email":"ada@example.com"},"token":"ACCESS","exp":EPOCH}`)
			})
			on("POST /api/users/refresh-token", func(q asked) told {
				return b.exchange(q.bearer("Bearer"), not, `{"message":"Token refresh successful","refreshedToken":"ACCESS","exp":EPOCH,"user":{"id":"p1"}}`)
			})
			on("POST /api/users/logout", func(q asked) told {
				return b.revoke(q.bearer("Bearer"), say(400, `{"errors":[{"message":"No User"}]}`), say(200, `{"message":"Logged out successfully."}`))
			})
			on("GET /api/users/me", func(q asked) told {
				token := q.bearer("Bearer")
				if !b.good(token) {
					return say(200, `{"user":null,"message":"Account"}`)
				}
				return say(200, `{"user":{"id":"p1","machine":"analytical engine"},"collection":"users","token":"`+token+`","exp":1}`)
			})
		},
	}
}

func directus() shape {
	return shape{
		config: `preset: directus`,
		claims: `"id":"d1","role":"r1","iss":"directus","exp":EPOCH`, subject: "d1", roles: "r1", life: 15 * time.Minute, page: "/users/me",
		api: func(b *book, on route) {
			const tokens = `{"data":{"expires":900000,"refresh_token":"REFRESH","access_token":"ACCESS"}}`
			wrong := say(401, `{"errors":[{"message":"Invalid user credentials.","extensions":{"code":"INVALID_CREDENTIALS"}}]}`)
			on("POST /auth/login", func(q asked) told {
				if !b.known(q.at("email"), q.at("password")) {
					return wrong
				}
				return b.begin(tokens)
			})
			on("POST /auth/refresh", func(q asked) told { return b.rotate(q.at("refresh_token"), wrong, tokens) })
			on("POST /auth/logout", func(q asked) told { return b.revoke(q.at("refresh_token"), wrong, say(204, "")) })
			on("GET /users/me", func(q asked) told {
				return b.page(q.bearer("Bearer"), say(401, `{"errors":[{"message":"Token expired.","extensions":{"code":"TOKEN_EXPIRED"}}]}`))
			})
		},
	}
}

const strapiWrong = `{"data":null,"error":{"status":400,"name":"ValidationError","message":"Invalid identifier or password","details":{}}}`

// A JWT that says only a number, no refresh, and the user in the answer.
func strapi() shape {
	return shape{
		config: `preset: strapi`,
		claims: `"id":12,"exp":EPOCH`, subject: "12", life: 30 * time.Hour, page: "/api/things", dead: noRefresh, deaf: true,
		api: func(b *book, on route) {
			on("POST /api/auth/local", func(q asked) told {
				if !b.known(q.at("identifier"), q.at("password")) {
					return say(400, strapiWrong)
				}
				return b.begin(`{"jwt":"ACCESS","user":{"id":12,"username":"ada","confirmed":true,"blocked":false}}`)
			})
			on("GET /api/things", func(q asked) told {
				return b.page(q.bearer("Bearer"), say(401, `{"data":null,"error":{"status":401,"name":"UnauthorizedError"}}`))
			})
		},
	}
}

// Strapi 5 with jwtManagement: refresh.
func strapiRefresh() shape {
	return shape{
		config: `
preset: strapi
refresh: {path: /api/auth/refresh, refresh_token: refreshToken}
logout: {path: /api/auth/logout, access_token: "header:Authorization"}
reply: {refresh_token: refreshToken}`,
		claims: `"userId":"12","sessionId":"s","type":"access","exp":EPOCH`, subject: "12", life: 10 * time.Minute, page: "/api/things",
		api: func(b *book, on route) {
			unauthorized := say(401, `{"data":null,"error":{"status":401,"name":"UnauthorizedError","message":"Invalid refresh token"}}`)
			on("POST /api/auth/local", func(q asked) told {
				if !b.known(q.at("identifier"), q.at("password")) {
					return say(400, strapiWrong)
				}
				return b.begin(`{"jwt":"ACCESS","refreshToken":"REFRESH","user":{"id":12,"username":"ada"}}`)
			})
			on("POST /api/auth/refresh", func(q asked) told {
				return b.rotate(q.at("refreshToken"), unauthorized, `{"jwt":"ACCESS","refreshToken":"REFRESH"}`)
			})
			on("POST /api/auth/logout", func(q asked) told { return b.revoke(q.bearer("Bearer"), unauthorized, say(200, `{"ok":true}`)) })
			on("GET /api/things", func(q asked) told { return b.page(q.bearer("Bearer"), unauthorized) })
		},
	}
}

// The strategy beside the password, and a bare token in Authorization.
func feathers() shape {
	return shape{
		config: `
login: {path: /authentication, username: email, send: ["strategy: local"]}
logout: {path: /authentication, method: DELETE, access_token: "header:Authorization"}
reply: {access_token: accessToken, expires_in: authentication.payload.exp}
identity: {from: reply, subject: user._id, name: user.email}`,
		claims: `"sub":"f1","aud":"https://example.com","iss":"feathers","exp":EPOCH`, subject: "f1", life: 24 * time.Hour, page: "/things", dead: noRefresh,
		api: func(b *book, on route) {
			not := say(401, `{"name":"NotAuthenticated","message":"Invalid login","code":401,"className":"not-authenticated","errors":{}}`)
			on("POST /authentication", func(q asked) told {
				if q.at("strategy") != "local" || !b.known(q.at("email"), q.at("password")) {
					return not
				}
				return b.begin(`{"accessToken":"ACCESS","authentication":{"strategy":"local","payload":{"exp":EPOCH}},"user":{"_id":"f1","email":"ada@example.com"}}`)
			})
			on("DELETE /authentication", func(q asked) told { return b.revoke(q.bearer("Bearer"), not, say(200, `{}`)) })
			on("GET /things", func(q asked) told { return b.page(q.bearer("Bearer"), not) })
		},
	}
}

// A key beside the token on every call of the shop.
func medusa() shape {
	return shape{
		config: `
values: [{name: key, value: pk_test}]
login: {path: /auth/customer/emailpass, username: email}
refresh: {path: /auth/token/refresh, access_token: "header:Authorization", needs_live: true}
reply: {access_token: token, refresh_token: ""}
identity: {subject: actor_id}
forward: ["header:Authorization: Bearer {{access_token}}", "header:x-publishable-api-key: {{values.key}}"]`,
		claims: `"actor_id":"cus_1","actor_type":"customer","exp":EPOCH`, subject: "cus_1", life: 4 * time.Hour, page: "/store/customers/me", deaf: true,
		api: func(b *book, on route) {
			b.needsLive = true
			unauthorized := say(401, `{"message":"Unauthorized"}`)
			on("POST /auth/customer/emailpass", func(q asked) told {
				if !b.known(q.at("email"), q.at("password")) {
					return say(401, `{"type":"unauthorized","message":"Invalid email or password"}`)
				}
				return b.begin(`{"token":"ACCESS"}`)
			})
			on("POST /auth/token/refresh", func(q asked) told { return b.exchange(q.bearer("Bearer"), unauthorized, `{"token":"ACCESS"}`) })
			on("GET /store/customers/me", func(q asked) told {
				if q.at("header:x-publishable-api-key") != "pk_test" {
					return say(400, `{"type":"not_allowed","message":"Publishable API key required in the request header"}`)
				}
				return b.page(q.bearer("Bearer"), unauthorized)
			})
		},
	}
}

// Both tokens are cookies, on the API's calls too (MERN tutorials).
func expressCookies() shape {
	return shape{
		config: `
login: {path: /api/auth/login, username: email}
refresh: {path: /api/auth/refresh, refresh_token: cookie:refreshToken, refused: [401, 403]}
logout: {path: /api/auth/logout, refresh_token: cookie:refreshToken}
reply: {access_token: cookie:accessToken, refresh_token: cookie:refreshToken}
identity: {from: reply, subject: user._id, name: user.name}
forward: ["cookie:accessToken: {{access_token}}"]`,
		claims: `"_id":"m1","exp":EPOCH`, subject: "m1", life: 15 * time.Minute, page: "/api/things",
		api: func(b *book, on route) {
			cookies := []string{"Set-Cookie: accessToken=ACCESS; HttpOnly; Path=/", "Set-Cookie: refreshToken=REFRESH; HttpOnly; Path=/api/auth"}
			on("POST /api/auth/login", func(q asked) told {
				if !b.known(q.at("email"), q.at("password")) {
					return say(401, `{"success":false,"message":"Invalid credentials"}`)
				}
				return b.begin(`{"success":true,"user":{"_id":"m1","name":"Ada"}}`, cookies...)
			})
			on("POST /api/auth/refresh", func(q asked) told {
				return b.rotate(q.at("cookie:refreshToken"), say(403, `{"message":"Forbidden"}`), `{"success":true}`, cookies...)
			})
			on("POST /api/auth/logout", func(q asked) told {
				return b.revoke(q.at("cookie:refreshToken"), say(204, ""), say(200, `{"success":true}`))
			})
			on("GET /api/things", func(q asked) told { return b.page(q.at("cookie:accessToken"), say(401, `{"message":"jwt expired"}`)) })
		},
	}
}

const noQuery = `{"errors":[{"message":"Must provide a query string."}]}`

// One path for everything, always 200, errors in the body.
func graphQL() shape {
	return shape{
		config: `
login:
  path: /graphql
  body: '{"query": "mutation($u: String!, $p: String!) { login(email: $u, password: $p) { accessToken refreshToken user { id role } } }", "variables": {"u": "{{username}}", "p": "{{password}}"}}'
  answers: ["refused: errors.*.extensions.code=UNAUTHENTICATED"]
refresh:
  path: /graphql
  body: '{"query": "mutation($t: String!) { refresh(token: $t) { accessToken refreshToken } }", "variables": {"t": "{{refresh_token}}"}}'
  answers: ["refused: errors.*.extensions.code=UNAUTHENTICATED"]
reply:
  access_token: [data.login.accessToken, data.refresh.accessToken]
  refresh_token: [data.login.refreshToken, data.refresh.refreshToken]
identity: {from: reply, subject: data.login.user.id, roles: data.login.user.role}
capture: [{path: /graphql}]`,
		claims: `"sub":"g1","exp":EPOCH`, subject: "g1", roles: "member", page: "/graphql?query={thing}", deaf: true,
		api: func(b *book, on route) {
			not := say(200, `{"errors":[{"message":"Not authenticated","extensions":{"code":"UNAUTHENTICATED"}}],"data":null}`)
			on("POST /graphql", func(q asked) told {
				if q.at("query") == "" {
					return say(400, noQuery)
				}
				if t := q.at("variables.t"); t != "" {
					return b.rotate(t, not, `{"data":{"refresh":{"accessToken":"ACCESS","refreshToken":"REFRESH"}}}`)
				}
				if !b.known(q.at("variables.u"), q.at("variables.p")) {
					return not
				}
				return b.begin(`{"data":{"login":{"accessToken":"ACCESS","refreshToken":"REFRESH","user":{"id":"g1","role":"member"}}}}`)
			})
			on("GET /graphql", func(q asked) told { return b.page(q.bearer("Bearer"), not) })
		},
	}
}

// Tokens in headers, fields as a list, and 200 for a wrong password.
func superTokens() shape {
	return shape{
		config: `
login:
  path: /auth/signin
  body: '{"formFields": [{"id": "email", "value": "{{username}}"}, {"id": "password", "value": "{{password}}"}]}'
  send: ["header:st-auth-mode: header"]
  answers: ["ok: status=OK", "refused: status=WRONG_CREDENTIALS_ERROR", "refused: status=FIELD_ERROR"]
refresh: {path: /auth/session/refresh, refresh_token: "header:Authorization", send: ["header:st-auth-mode: header"]}
logout: {path: /auth/signout, access_token: "header:Authorization"}
reply: {access_token: "header:st-access-token", refresh_token: "header:st-refresh-token"}
identity: {from: reply, subject: user.id}`,
		claims: `"sub":"s1","exp":EPOCH`, subject: "s1",
		api: func(b *book, on route) {
			headers := []string{"st-access-token: ACCESS", "st-refresh-token: REFRESH", "front-token: eyJ1aWQiOiJzMSJ9"}
			on("POST /auth/signin", func(q asked) told {
				if q.at("header:st-auth-mode") != "header" {
					return say(500, `"tokens would be cookies"`)
				}
				if !b.known(q.at("formFields.0.value"), q.at("formFields.1.value")) {
					return say(200, `{"status":"WRONG_CREDENTIALS_ERROR"}`)
				}
				return b.begin(`{"status":"OK","user":{"id":"s1","emails":["ada@example.com"]}}`, headers...)
			})
			on("POST /auth/session/refresh", func(q asked) told {
				return b.rotate(q.bearer("Bearer"), say(401, `{"message":"token theft detected"}`), `{}`, headers...)
			})
			on("POST /auth/signout", func(q asked) told {
				return b.revoke(q.bearer("Bearer"), say(401, `{"message":"unauthorised"}`), say(200, `{"status":"OK"}`))
			})
			on("GET /me", func(q asked) told { return b.page(q.bearer("Bearer"), say(401, `{"message":"try refresh token"}`)) })
		},
	}
}

// The user's id beside the token on every call.
func rocketChat() shape {
	return shape{
		config: `
keep: ["uid: data.userId"]
login: {path: /api/v1/login, username: user, answers: ["mfa_required: 401 error=totp-required"]}
logout: {path: /api/v1/logout, access_token: "header:X-Auth-Token", send: ["header:X-User-Id: {{keep.uid}}"]}
reply: {access_token: data.authToken}
identity: {from: reply, subject: data.userId, name: data.me.name, roles: data.me.roles}
forward: ["header:X-Auth-Token: {{access_token}}", "header:X-User-Id: {{keep.uid}}"]
access_lifetime: 90d`,
		subject: "rc1", roles: "admin user", life: 90 * 24 * time.Hour, page: "/api/v1/me", dead: noRefresh,
		api: func(b *book, on route) {
			must := say(401, `{"status":"error","message":"You must be logged in to do this."}`)
			on("POST /api/v1/login", func(q asked) told {
				if !b.known(q.at("user"), q.at("password")) {
					return say(401, `{"status":"error","error":"Unauthorized","message":"Unauthorized"}`)
				}
				return b.begin(`{"status":"success","data":{"userId":"rc1","authToken":"ACCESS","me":{"name":"Ada","roles":["admin","user"]}}}`)
			})
			on("POST /api/v1/logout", func(q asked) told {
				if q.at("header:X-User-Id") != "rc1" {
					return must
				}
				return b.revoke(q.at("header:X-Auth-Token"), must, say(200, `{"status":"success"}`))
			})
			on("GET /api/v1/me", func(q asked) told {
				if q.at("header:X-User-Id") != "rc1" {
					return must
				}
				return b.page(q.at("header:X-Auth-Token"), must)
			})
		},
	}
}
