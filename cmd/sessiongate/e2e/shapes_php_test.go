package e2e

import "time"

// APIs in PHP and Ruby.
func phpShapes() map[string]shape {
	return map[string]shape{
		"tymon/jwt-auth":    tymon(),
		"Laravel Sanctum":   sanctum(),
		"Laravel Passport":  passport(),
		"WordPress JWT":     wordPress(),
		"API Platform":      apiPlatform(),
		"devise-jwt":        deviseJWT(),
		"devise_token_auth": deviseTokenAuth(),
		"Doorkeeper":        doorkeeper(),
	}
}

// The old access token for a new one: the route stands behind the guard, which takes none that has expired.
func tymon() shape {
	return shape{
		config: `preset: tymon`,
		claims: `"iss":"http://localhost/api/auth/login","sub":"9","prv":"x","exp":EPOCH`, subject: "9", page: "/api/things",
		api: func(b *book, on route) {
			b.needsLive = true
			const tokens = `{"access_token":"ACCESS","token_type":"bearer","expires_in":3600}`
			dead := say(401, `{"message":"Token has expired and can no longer be refreshed"}`)
			unauthenticated := say(401, `{"message":"Unauthenticated."}`)
			on("POST /api/auth/login", func(q asked) told {
				if !b.known(q.at("email"), q.at("password")) {
					return say(401, `{"error":"Unauthorized"}`)
				}
				return b.begin(tokens)
			})
			on("POST /api/auth/refresh", func(q asked) told { return b.exchange(q.bearer("Bearer"), dead, tokens) })
			on("POST /api/auth/logout", func(q asked) told {
				return b.revoke(q.bearer("Bearer"), unauthenticated, say(200, `{"message":"Successfully logged out"}`))
			})
			on("POST /api/auth/me", func(q asked) told {
				if !b.good(q.bearer("Bearer")) {
					return unauthenticated
				}
				return say(200, `{"id":9,"name":"Ada"}`)
			})
			on("GET /api/things", func(q asked) told { return b.page(q.bearer("Bearer"), unauthenticated) })
		},
	}
}

// The name of the device beside the password, an opaque token with a bar in it.
func sanctum() shape {
	return shape{
		config: `
login: {path: /api/login, username: email, send: ["device_name: web"]}
logout: {path: /api/logout, access_token: "header:Authorization"}
me: {path: /api/user}
reply: {access_token: token}
identity: {from: me, subject: id, name: name}
access_lifetime: 7d`,
		subject: "4", life: 7 * 24 * time.Hour, page: "/api/things", dead: noRefresh,
		api: func(b *book, on route) {
			unauthenticated := say(401, `{"message":"Unauthenticated."}`)
			on("POST /api/login", func(q asked) told {
				if q.at("device_name") == "" {
					return say(422, `{"message":"The device name field is required."}`)
				}
				if !b.known(q.at("email"), q.at("password")) {
					return say(422, `{"message":"The provided credentials are incorrect.","errors":{"email":["The provided credentials are incorrect."]}}`)
				}
				return b.begin(`{"token":"ACCESS"}`)
			})
			on("POST /api/logout", func(q asked) told { return b.revoke(q.bearer("Bearer"), unauthenticated, say(204, "")) })
			on("GET /api/user", func(q asked) told {
				if !b.good(q.bearer("Bearer")) {
					return unauthenticated
				}
				return say(200, `{"id":4,"name":"Ada","email":"ada@example.com"}`)
			})
			on("GET /api/things", func(q asked) told { return b.page(q.bearer("Bearer"), unauthenticated) })
		},
	}
}

// The password grant, with the client's secret in the body.
func passport() shape {
	return shape{
		config: `
preset: laravel-passport
values: [{name: client_id, value: "2"}, {name: client_secret, value: s3cr&t}]`,
		claims: `"aud":"2","sub":"8","scopes":[],"exp":EPOCH`, subject: "8", deaf: true, page: "/api/things",
		api: func(b *book, on route) {
			const tokens = `{"token_type":"Bearer","expires_in":3600,"access_token":"ACCESS","refresh_token":"REFRESH"}`
			on("POST /oauth/token", func(q asked) told {
				switch {
				case q.at("client_id") != "2" || q.at("client_secret") != "s3cr&t":
					return say(401, `{"error":"invalid_client","error_description":"Client authentication failed","message":"Client authentication failed"}`)
				case q.at("grant_type") == "refresh_token":
					return b.rotate(q.at("refresh_token"), say(401, `{"error":"invalid_request","error_description":"The refresh token is invalid.","hint":"Token has been revoked"}`), tokens)
				case !b.known(q.at("username"), q.at("password")):
					return say(400, `{"error":"invalid_grant","error_description":"The user credentials were incorrect."}`)
				}
				return b.begin(tokens)
			})
			on("GET /api/things", func(q asked) told { return b.page(q.bearer("Bearer"), say(401, `{"message":"Unauthenticated."}`)) })
		},
	}
}

func wordPress() shape {
	return shape{
		config: `
login: {path: /wp-json/jwt-auth/v1/token}
reply: {access_token: token}
identity: {subject: data.user.id}`,
		claims: `"iss":"http://localhost","data":{"user":{"id":"1"}},"exp":EPOCH`, subject: "1", life: 7 * 24 * time.Hour,
		page: "/wp-json/wp/v2/users/me", dead: noRefresh, deaf: true,
		api: func(b *book, on route) {
			on("POST /wp-json/jwt-auth/v1/token", func(q asked) told {
				if !b.known(q.at("username"), q.at("password")) {
					return say(403, `{"code":"[jwt_auth] incorrect_password","message":"<strong>Error<\/strong>: …","data":{"status":403}}`)
				}
				return b.begin(`{"token":"ACCESS","user_email":"ada@example.com","user_nicename":"ada","user_display_name":"Ada"}`)
			})
			on("GET /wp-json/wp/v2/users/me", func(q asked) told {
				return b.page(q.bearer("Bearer"), say(403, `{"code":"jwt_auth_invalid_token","message":"Expired token","data":{"status":403}}`))
			})
		},
	}
}

// LexikJWTAuthenticationBundle with JWTRefreshTokenBundle.
func apiPlatform() shape {
	return shape{
		config: `
login: {path: /api/login_check}
refresh: {path: /api/token/refresh}
logout: {path: /api/token/invalidate}
reply: {access_token: token, refresh_token: refresh_token}
identity: {subject: username, role_map: ["ROLE_USER: user"]}`,
		claims: `"roles":["ROLE_USER"],"username":"ada","exp":EPOCH`, roles: "user",
		api: func(b *book, on route) {
			const tokens = `{"token":"ACCESS","refresh_token":"REFRESH"}`
			on("POST /api/login_check", func(q asked) told {
				if !b.known(q.at("username"), q.at("password")) {
					return say(401, `{"code":401,"message":"Invalid credentials."}`)
				}
				return b.begin(tokens)
			})
			on("POST /api/token/refresh", func(q asked) told {
				return b.rotate(q.at("refresh_token"), say(401, `{"code":401,"message":"JWT Refresh Token Not Found"}`), tokens)
			})
			on("POST /api/token/invalidate", func(q asked) told {
				return b.revoke(q.at("refresh_token"), say(200, `{"code":200,"message":"The supplied refresh_token is already invalid."}`), say(200, `{"code":200}`))
			})
			on("GET /me", func(q asked) told {
				return b.page(q.bearer("Bearer"), say(401, `{"code":401,"message":"Expired JWT Token"}`))
			})
		},
	}
}

func deviseJWT() shape {
	return shape{
		config: `preset: devise-jwt`,
		claims: `"sub":"3","scp":"user","exp":EPOCH`, subject: "3", life: 24 * time.Hour, dead: noRefresh, page: "/things",
		api: func(b *book, on route) {
			not := say(401, `{"error":"Signature has expired"}`)
			on("POST /users/sign_in", func(q asked) told {
				if !b.known(q.at("user.email"), q.at("user.password")) {
					return say(401, `{"error":"Invalid Email or password."}`)
				}
				return b.begin(`{"id":3}`, "Authorization: Bearer ACCESS")
			})
			on("DELETE /users/sign_out", func(q asked) told { return b.revoke(q.bearer("Bearer"), not, say(204, "")) })
			on("GET /things", func(q asked) told { return b.page(q.bearer("Bearer"), not) })
		},
	}
}

// Three headers make one sign-in, and the end of the token is a header too.
func deviseTokenAuth() shape {
	return shape{
		config: `
keep: ["client: header:client", "uid: header:uid"]
login: {path: /auth/sign_in, username: email}
logout: {path: /auth/sign_out, method: DELETE, access_token: "header:access-token", send: ["header:client: {{keep.client}}", "header:uid: {{keep.uid}}"]}
reply: {access_token: "header:access-token", expires_in: "header:expiry"}
identity: {from: reply, subject: data.id, name: data.name}
forward: ["header:access-token: {{access_token}}", "header:client: {{keep.client}}", "header:uid: {{keep.uid}}"]`,
		subject: "6", life: 14 * 24 * time.Hour, dead: noRefresh, page: "/things",
		api: func(b *book, on route) {
			not := say(401, `{"errors":["You need to sign in or sign up before continuing."]}`)
			token := func(q asked) string {
				if q.at("header:client") != "c1" || q.at("header:uid") != bookUser {
					return ""
				}
				return q.at("header:access-token")
			}
			on("POST /auth/sign_in", func(q asked) told {
				if !b.known(q.at("email"), q.at("password")) {
					return say(401, `{"success":false,"errors":["Invalid login credentials. Please try again."]}`)
				}
				return b.begin(`{"data":{"id":6,"provider":"email","uid":"ada@example.com","name":"Ada"}}`,
					"access-token: ACCESS", "token-type: Bearer", "client: c1", "expiry: EPOCH", "uid: "+bookUser)
			})
			on("DELETE /auth/sign_out", func(q asked) told { return b.revoke(token(q), not, say(200, `{"success":true}`)) })
			on("GET /things", func(q asked) told { return b.page(token(q), not) })
		},
	}
}

func doorkeeper() shape {
	return shape{
		config: `
login: {path: /oauth/token, body: '{"grant_type": "password", "username": "{{username}}", "password": "{{password}}", "client_id": "web"}'}
refresh: {path: /oauth/token, body: '{"grant_type": "refresh_token", "refresh_token": "{{refresh_token}}", "client_id": "web"}'}
logout: {path: /oauth/revoke, body: '{"token": "{{refresh_token}}", "client_id": "web"}'}
me: {path: /api/v1/me}
identity: {from: me, subject: id}`,
		subject: "11", life: 2 * time.Hour, page: "/api/v1/things",
		api: func(b *book, on route) {
			const tokens = `{"access_token":"ACCESS","token_type":"Bearer","expires_in":7200,"refresh_token":"REFRESH","created_at":1}`
			invalid := say(400, `{"error":"invalid_grant","error_description":"The provided authorization grant is invalid"}`)
			on("POST /oauth/token", func(q asked) told {
				if q.at("grant_type") == "refresh_token" {
					return b.rotate(q.at("refresh_token"), invalid, tokens)
				}
				if !b.known(q.at("username"), q.at("password")) {
					return invalid
				}
				return b.begin(tokens)
			})
			on("POST /oauth/revoke", func(q asked) told { return b.revoke(q.at("token"), say(200, `{}`), say(200, `{}`)) })
			on("GET /api/v1/me", func(q asked) told {
				if !b.good(q.bearer("Bearer")) {
					return say(401, "")
				}
				return say(200, `{"id":11}`)
			})
			on("GET /api/v1/things", func(q asked) told {
				return b.page(q.bearer("Bearer"), say(401, "", `WWW-Authenticate: Bearer realm="Doorkeeper", error="invalid_token"`))
			})
		},
	}
}
