package e2e

import "time"

// APIs of the Python world.
func pythonShapes() map[string]shape {
	return map[string]shape{
		"FastAPI form":               fastAPIForm(),
		"FastAPI form and refresh":   fastAPIRefresh(),
		"fastapi-users":              fastAPIUsers(),
		"Simple JWT":                 simpleJWT(),
		"dj-rest-auth":               djRestAuth(),
		"djoser":                     djoser(),
		"Flask-JWT-Extended headers": flaskHeaders(),
		"Flask-JWT-Extended cookies": flaskCookies(),
		"Flask-Security":             flaskSecurity(),
	}
}

// The security tutorial of FastAPI: a form, one token.
func fastAPIForm() shape {
	return shape{
		config: `preset: fastapi-oauth2`,
		claims: `"sub":"ada","exp":EPOCH`, life: 30 * time.Minute, page: "/users/me/items/", dead: noRefresh, deaf: true,
		api: func(b *book, on route) {
			on("POST /token", func(q asked) told {
				if q.at("grant_type") != "password" { // OAuth2PasswordRequestFormStrict asks for it
					return say(422, `{"detail":[{"loc":["body","grant_type"],"msg":"field required"}]}`)
				}
				if !b.known(q.at("username"), q.at("password")) {
					return say(401, `{"detail":"Incorrect username or password"}`, "WWW-Authenticate: Bearer")
				}
				return b.begin(`{"access_token":"ACCESS","token_type":"bearer"}`)
			})
			fastAPIUser(b, on)
		},
	}
}

// fastAPIUser is what the security tutorial has behind its login.
func fastAPIUser(b *book, on route) {
	no := say(401, `{"detail":"Could not validate credentials"}`, "WWW-Authenticate: Bearer")
	on("GET /users/me/", func(q asked) told {
		if !b.good(q.bearer("Bearer")) {
			return no
		}
		return say(200, `{"username":"ada","email":"ada@example.com","full_name":"Ada Lovelace","disabled":false}`)
	})
	on("GET /users/me/items/", func(q asked) told { return b.page(q.bearer("Bearer"), no) })
}

// The same API with a refresh, as configs/providers/fastapi-oauth2.yaml tells to give it one.
func fastAPIRefresh() shape {
	const pair = `{"access_token":"ACCESS","refresh_token":"REFRESH","token_type":"bearer"}`
	return shape{
		config: "preset: fastapi-oauth2\nrefresh: {path: /refresh}",
		claims: `"sub":"ada","exp":EPOCH`, life: 30 * time.Minute, page: "/users/me/items/", deaf: true,
		api: func(b *book, on route) {
			no := say(401, `{"detail":"Could not validate credentials"}`, "WWW-Authenticate: Bearer")
			on("POST /token", func(q asked) told {
				if !b.known(q.at("username"), q.at("password")) {
					return no
				}
				return b.begin(pair)
			})
			on("POST /refresh", func(q asked) told { return b.rotate(q.at("refresh_token"), no, pair) })
			fastAPIUser(b, on)
		},
	}
}

func fastAPIUsers() shape {
	return shape{
		config: `
login: {path: /auth/jwt/login, encoding: form}
logout: {path: /auth/jwt/logout, access_token: "header:Authorization"}
me: {path: /users/me}
identity: {from: me, subject: id, name: email, roles: [is_superuser, is_verified]}`,
		claims: `"sub":"0d1c","aud":["fastapi-users:auth"],"exp":EPOCH`, subject: "0d1c", roles: "is_verified", dead: noRefresh, page: "/things",
		api: func(b *book, on route) {
			unauthorized := say(401, `{"detail":"Unauthorized"}`)
			on("POST /auth/jwt/login", func(q asked) told {
				if !b.known(q.at("username"), q.at("password")) {
					return say(400, `{"detail":"LOGIN_BAD_CREDENTIALS"}`)
				}
				return b.begin(`{"access_token":"ACCESS","token_type":"bearer"}`)
			})
			on("POST /auth/jwt/logout", func(q asked) told { return b.revoke(q.bearer("Bearer"), unauthorized, say(204, "")) })
			on("GET /users/me", func(q asked) told {
				if !b.good(q.bearer("Bearer")) {
					return unauthorized
				}
				return say(200, `{"id":"0d1c","email":"ada@example.com","is_active":true,"is_superuser":false,"is_verified":true}`)
			})
			on("GET /things", func(q asked) told { return b.page(q.bearer("Bearer"), unauthorized) })
		},
	}
}

const simpleJWTNotValid = `{"detail":"Token is blacklisted","code":"token_not_valid"}`

func simpleJWT() shape {
	return shape{
		config: `
preset: django-simplejwt
logout: {path: /api/token/blacklist/, refresh_token: refresh}`,
		claims: `"token_type":"access","user_id":17,"exp":EPOCH`, subject: "17", life: 5 * time.Minute,
		api: func(b *book, on route) {
			not := say(401, simpleJWTNotValid, `WWW-Authenticate: Bearer realm="api"`)
			on("POST /api/token/", func(q asked) told {
				if !b.known(q.at("username"), q.at("password")) {
					return say(401, `{"detail":"No active account found with the given credentials"}`)
				}
				return b.begin(`{"refresh":"REFRESH","access":"ACCESS"}`)
			})
			on("POST /api/token/refresh/", func(q asked) told {
				return b.rotate(q.at("refresh"), not, `{"access":"ACCESS","refresh":"REFRESH"}`)
			})
			on("POST /api/token/blacklist/", func(q asked) told { return b.revoke(q.at("refresh"), not, say(200, `{}`)) })
			on("GET /me", func(q asked) told { return b.page(q.bearer("Bearer"), not) })
		},
	}
}

// The expiry as a date, and a refresh that does not rotate.
func djRestAuth() shape {
	return shape{
		config: `
login: {path: /api/auth/login/}
refresh: {path: /api/auth/token/refresh/, refresh_token: refresh}
logout: {path: /api/auth/logout/, refresh_token: refresh}
reply: {access_token: access, refresh_token: refresh, expires_in: access_expiration}
identity: {from: reply, subject: user.pk, name: user.username}`,
		claims: `"token_type":"access","user_id":3,"exp":EPOCH`, subject: "3", life: 5 * time.Minute,
		api: func(b *book, on route) {
			not := say(401, simpleJWTNotValid)
			on("POST /api/auth/login/", func(q asked) told {
				if !b.known(q.at("username"), q.at("password")) {
					return say(400, `{"non_field_errors":["Unable to log in with provided credentials."]}`)
				}
				return b.begin(`{"access":"ACCESS","refresh":"REFRESH","user":{"pk":3,"username":"ada","email":"ada@example.com"}}`)
			})
			on("POST /api/auth/token/refresh/", func(q asked) told {
				return b.reuse(q.at("refresh"), not, `{"access":"ACCESS","access_expiration":"ISO"}`)
			})
			on("POST /api/auth/logout/", func(q asked) told {
				return b.revoke(q.at("refresh"), say(401, `{"detail":"Token is blacklisted"}`), say(200, `{"detail":"Successfully logged out."}`))
			})
			on("GET /me", func(q asked) told { return b.page(q.bearer("Bearer"), not) })
		},
	}
}

// Token in place of Bearer, and one that never expires.
func djoser() shape {
	return shape{
		config:  `preset: djoser`,
		subject: "5", life: 30 * 24 * time.Hour, page: "/api/things/", dead: noRefresh,
		api: func(b *book, on route) {
			not := say(401, `{"detail":"Authentication credentials were not provided."}`, "WWW-Authenticate: Token")
			on("POST /auth/token/login/", func(q asked) told {
				if !b.known(q.at("username"), q.at("password")) {
					return say(400, `{"non_field_errors":["Unable to log in with provided credentials."]}`)
				}
				return b.begin(`{"auth_token":"ACCESS"}`)
			})
			on("POST /auth/token/logout/", func(q asked) told { return b.revoke(q.bearer("Token"), not, say(204, "")) })
			on("GET /auth/users/me/", func(q asked) told {
				if !b.good(q.bearer("Token")) {
					return not
				}
				return say(200, `{"email":"ada@example.com","id":5,"username":"ada"}`)
			})
			on("GET /api/things/", func(q asked) told { return b.page(q.bearer("Token"), not) })
		},
	}
}

func flaskHeaders() shape {
	return shape{
		config: `preset: flask-jwt-extended`,
		claims: `"fresh":true,"type":"access","sub":"ada","exp":EPOCH`, life: 15 * time.Minute, page: "/protected",
		api: func(b *book, on route) {
			revoked := say(401, `{"msg":"Token has been revoked"}`)
			on("POST /login", func(q asked) told {
				if !b.known(q.at("username"), q.at("password")) {
					return say(401, `{"msg":"Bad username or password"}`)
				}
				return b.begin(`{"access_token":"ACCESS","refresh_token":"REFRESH"}`)
			})
			on("POST /refresh", func(q asked) told { return b.reuse(q.bearer("Bearer"), revoked, `{"access_token":"ACCESS"}`) })
			on("DELETE /logout", func(q asked) told { return b.revoke(q.bearer("Bearer"), revoked, say(200, `{"msg":"revoked"}`)) })
			on("GET /protected", func(q asked) told { return b.page(q.bearer("Bearer"), say(401, `{"msg":"Token has expired"}`)) })
		},
	}
}

// Tokens in cookies, each with a second cookie whose value must come back in a header.
func flaskCookies() shape {
	return shape{
		config: `preset: flask-jwt-extended-cookies`,
		claims: `"type":"access","sub":"ada","csrf":"c","exp":EPOCH`, life: 15 * time.Minute, page: "/protected",
		api: func(b *book, on route) {
			access := []string{"Set-Cookie: access_token_cookie=ACCESS; HttpOnly; Path=/", "Set-Cookie: csrf_access_token=CSRF_A; Path=/"}
			both := append([]string{
				"Set-Cookie: refresh_token_cookie=REFRESH; HttpOnly; Path=/", "Set-Cookie: csrf_refresh_token=CSRF_R; Path=/",
			}, access...)
			missing := say(401, `{"msg":"Missing CSRF token"}`)
			checked := func(q asked, cookie string) string {
				if token := q.at(cookie); csrfOf(token) == q.at("header:X-CSRF-TOKEN") {
					return token
				}
				return ""
			}
			on("POST /login", func(q asked) told {
				if !b.known(q.at("username"), q.at("password")) {
					return say(401, `{"msg":"Bad username or password"}`)
				}
				return b.begin(`{"msg":"login successful"}`, both...)
			})
			on("POST /refresh", func(q asked) told {
				return b.reuse(checked(q, "cookie:refresh_token_cookie"), missing, `{"msg":"refreshed"}`, access...)
			})
			on("POST /logout", func(q asked) told {
				return b.revoke(checked(q, "cookie:access_token_cookie"), missing, say(200, `{"msg":"logout successful"}`))
			})
			on("GET /protected", func(q asked) told { return b.page(checked(q, "cookie:access_token_cookie"), missing) })
		},
	}
}

// A header of its own, everything inside response, opaque tokens.
func flaskSecurity() shape {
	return shape{
		config: `
login: {path: "/login?include_auth_token", username: email}
reply: {access_token: response.user.authentication_token}
identity: {from: reply, subject: response.user.email}
forward: ["header:Authentication-Token: {{access_token}}"]
access_lifetime: 1h`,
		subject: bookUser, dead: noRefresh, deaf: true,
		api: func(b *book, on route) {
			on("POST /login", func(q asked) told {
				if !b.known(q.at("email"), q.at("password")) {
					return say(400, `{"meta":{"code":400},"response":{"errors":["Invalid password"]}}`)
				}
				return b.begin(`{"meta":{"code":200},"response":{"user":{"email":"ada@example.com","authentication_token":"ACCESS"}}}`)
			})
			on("GET /me", func(q asked) told {
				return b.page(q.at("header:Authentication-Token"), say(401, `{"meta":{"code":401},"response":{"errors":["You are not authenticated"]}}`))
			})
		},
	}
}
