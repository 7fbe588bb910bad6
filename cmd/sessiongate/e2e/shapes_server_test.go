package e2e

import "time"

// APIs in Java, C# and Go.
func serverShapes() map[string]shape {
	return map[string]shape{
		"bezkoder Spring Boot": bezkoderSpring(),
		"JHipster":             jhipster(),
		"RuoYi":                ruoyi(),
		"RuoYi-Vue-Pro":        ruoyiPro(),
		"ASP.NET Identity":     aspnetIdentity(),
		"ASP.NET both tokens":  aspnetBoth(),
		"gin-jwt":              ginJWT(),
		"user id at refresh":   userIDAtRefresh(),
		"tenant and captcha":   tenantAndCaptcha(),
	}
}

// A dead refresh token is 403 (the Spring Boot tutorials of bezkoder.com).
func bezkoderSpring() shape {
	return shape{
		config: `
login: {path: /api/auth/signin}
refresh: {path: /api/auth/refreshtoken, refresh_token: refreshToken, refused: [403]}
logout: {path: /api/auth/signout, access_token: "header:Authorization"}
reply: {access_token: [token, accessToken], refresh_token: refreshToken}
identity: {from: reply, subject: id, name: username, roles: roles, role_map: ["ROLE_MODERATOR: moderator"]}`,
		claims: `"sub":"ada","exp":EPOCH`, subject: "2", roles: "moderator", life: time.Minute, page: "/api/test/mod",
		api: func(b *book, on route) {
			unauthorized := say(401, `{"path":"/error","error":"Unauthorized","message":"Full authentication is required to access this resource","status":401}`)
			on("POST /api/auth/signin", func(q asked) told {
				if !b.known(q.at("username"), q.at("password")) {
					return say(401, `{"path":"/api/auth/signin","error":"Unauthorized","message":"Bad credentials","status":401}`)
				}
				return b.begin(`{"token":"ACCESS","type":"Bearer","refreshToken":"REFRESH","id":2,"username":"ada","roles":["ROLE_MODERATOR"]}`)
			})
			on("POST /api/auth/refreshtoken", func(q asked) told {
				return b.reuse(q.at("refreshToken"),
					say(403, `{"statusCode":403,"message":"Failed for [x]: Refresh token was expired. Please make a new signin request"}`),
					`{"accessToken":"ACCESS","refreshToken":"REFRESH","tokenType":"Bearer"}`)
			})
			on("POST /api/auth/signout", func(q asked) told {
				return b.revoke(q.bearer("Bearer"), unauthorized, say(200, `{"message":"Log out successful!"}`))
			})
			on("GET /api/test/mod", func(q asked) told { return b.page(q.bearer("Bearer"), unauthorized) })
		},
	}
}

// The token in a header of the answer too, and roles as one text in a claim.
func jhipster() shape {
	return shape{
		config: `
login: {path: /api/authenticate, send: ["rememberMe: true"]}
reply: {access_token: [id_token, "header:Authorization"]}
identity: {roles: auth, role_map: ["ROLE_ADMIN: admin", "ROLE_USER: user"]}`,
		claims: `"sub":"ada","auth":"ROLE_ADMIN,ROLE_USER","exp":EPOCH`, roles: "admin user", life: 24 * time.Hour, page: "/api/account", dead: noRefresh, deaf: true,
		api: func(b *book, on route) {
			on("POST /api/authenticate", func(q asked) told {
				if !b.known(q.at("username"), q.at("password")) {
					return say(401, `{"type":"https://www.jhipster.tech/problem/problem-with-message","title":"Unauthorized","status":401,"detail":"Bad credentials"}`)
				}
				return b.begin(`{"id_token":"ACCESS"}`, "Authorization: Bearer ACCESS")
			})
			on("GET /api/account", func(q asked) told {
				return b.page(q.bearer("Bearer"), say(401, `{"title":"Unauthorized","status":401}`))
			})
		},
	}
}

// Always 200, with a code; a captcha beside the password; no refresh, and a token that says nothing
// of its end: the API's own word ends it.
func ruoyi() shape {
	return shape{
		config: `
login: {path: /login, extra: [code, uuid], send: ["code: {{extra.code}}", "uuid: {{extra.uuid}}"], answers: ["ok: code=200", "refused: code=500"]}
logout: {path: /logout, access_token: "header:Authorization"}
me: {path: /getInfo}
reply: {access_token: token}
identity: {from: me, subject: user.userId, name: user.userName, roles: roles, scopes: permissions}
stale: [401, "code=401"]
access_lifetime: 12h`,
		login:  `,"code":"7","uuid":"q"`,
		claims: `"login_user_key":"k"`, subject: "1", roles: "admin", life: 12 * time.Hour, page: "/system/thing", dead: noRefresh,
		api: func(b *book, on route) {
			not := say(200, `{"msg":"请求访问:/system/thing,认证失败,无法访问系统资源","code":401}`)
			on("POST /login", func(q asked) told {
				if q.at("code") != "7" || q.at("uuid") != "q" {
					return say(200, `{"msg":"验证码错误","code":500}`)
				}
				if !b.known(q.at("username"), q.at("password")) {
					return say(200, `{"msg":"用户不存在/密码错误","code":500}`)
				}
				return b.begin(`{"msg":"操作成功","code":200,"token":"ACCESS"}`)
			})
			on("POST /logout", func(q asked) told {
				return b.revoke(q.bearer("Bearer"), not, say(200, `{"msg":"退出成功","code":200}`))
			})
			on("GET /getInfo", func(q asked) told {
				if !b.good(q.bearer("Bearer")) {
					return not
				}
				return say(200, `{"msg":"操作成功","code":200,"permissions":["*:*:*"],"roles":["admin"],"user":{"userId":1,"userName":"ada"}}`)
			})
			on("GET /system/thing", func(q asked) told { return b.page(q.bearer("Bearer"), not) })
		},
	}
}

// A tenant's header on every call, the refresh token in the query, the end in milliseconds.
func ruoyiPro() shape {
	return shape{
		config: `
headers: [{name: tenant-id, value: "1"}]
login: {path: /admin-api/system/auth/login, answers: ["ok: code=0", "refused: code=1002*"]}
refresh: {path: /admin-api/system/auth/refresh-token, refresh_token: query:refreshToken, answers: ["ok: code=0", "refused: code=401"]}
logout: {path: /admin-api/system/auth/logout, access_token: "header:Authorization"}
reply: {access_token: data.accessToken, refresh_token: data.refreshToken, expires_in: data.expiresTime}
identity: {from: reply, subject: data.userId}
forward: ["header:Authorization: Bearer {{access_token}}", "header:tenant-id: 1"]`,
		subject: "142", life: 30 * time.Minute, page: "/admin-api/system/thing",
		api: func(b *book, on route) {
			const tokens = `{"code":0,"msg":"","data":{"userId":142,"accessToken":"ACCESS","refreshToken":"REFRESH","expiresTime":MILLIS}}`
			not := say(200, `{"code":401,"msg":"账号未登录","data":null}`)
			tenant := func(f func(asked) told) func(asked) told {
				return func(q asked) told {
					if q.at("header:tenant-id") != "1" {
						return say(200, `{"code":400,"msg":"请求的租户标识未传递"}`)
					}
					return f(q)
				}
			}
			on("POST /admin-api/system/auth/login", tenant(func(q asked) told {
				if !b.known(q.at("username"), q.at("password")) {
					return say(200, `{"code":1002000000,"msg":"登录失败，账号密码不正确","data":null}`)
				}
				return b.begin(tokens)
			}))
			on("POST /admin-api/system/auth/refresh-token", tenant(func(q asked) told {
				return b.reuse(q.at("query:refreshToken"), say(200, `{"code":401,"msg":"无效的刷新令牌"}`), tokens)
			}))
			on("POST /admin-api/system/auth/logout", tenant(func(q asked) told {
				return b.revoke(q.bearer("Bearer"), not, say(200, `{"code":0,"data":true}`))
			}))
			on("GET /admin-api/system/thing", tenant(func(q asked) told { return b.page(q.bearer("Bearer"), not) }))
		},
	}
}

// MapIdentityApi: opaque tokens, and an empty 401 for a dead refresh token, as a proxy might say it.
func aspnetIdentity() shape {
	return shape{
		config:  `preset: aspnet-identity`,
		subject: bookUser, page: "/things", dead: doubted, deaf: true,
		api: func(b *book, on route) {
			const tokens = `{"tokenType":"Bearer","accessToken":"ACCESS","expiresIn":3600,"refreshToken":"REFRESH"}`
			empty := say(401, "", "WWW-Authenticate: Bearer")
			on("POST /login", func(q asked) told {
				if !b.known(q.at("email"), q.at("password")) {
					return say(401, `{"type":"https://tools.ietf.org/html/rfc9110#section-15.5.2","title":"Unauthorized","status":401,"detail":"Failed"}`)
				}
				return b.begin(tokens)
			})
			on("POST /refresh", func(q asked) told { return b.reuse(q.at("refreshToken"), empty, tokens) })
			on("GET /manage/info", func(q asked) told {
				if !b.good(q.bearer("Bearer")) {
					return empty
				}
				return say(200, `{"email":"ada@example.com","isEmailConfirmed":true}`)
			})
			on("GET /things", func(q asked) told { return b.page(q.bearer("Bearer"), empty) })
		},
	}
}

// The old access token beside the refresh token, and 400 with a few words for a dead one (tutorials for
// ASP.NET).
func aspnetBoth() shape {
	return shape{
		config: `
login: {path: /api/auth/login, username: userName}
refresh: {path: /api/token/refresh, access_token: accessToken, refresh_token: refreshToken, answers: ["refused: 400"]}
logout: {path: /api/token/revoke, access_token: "header:Authorization"}
reply: {access_token: token, refresh_token: refreshToken}
identity: {subject: "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", roles: "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"}`,
		claims: `"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name":"ada","http://schemas.microsoft.com/ws/2008/06/identity/claims/role":"Manager","exp":EPOCH`,
		roles:  "Manager", life: 5 * time.Minute, page: "/api/customers",
		api: func(b *book, on route) {
			const tokens = `{"token":"ACCESS","refreshToken":"REFRESH"}`
			invalid := told{400, "Invalid client request", []string{"Content-Type: text/plain; charset=utf-8"}}
			on("POST /api/auth/login", func(q asked) told {
				if !b.known(q.at("userName"), q.at("password")) {
					return say(401, `{"type":"https://tools.ietf.org/html/rfc7235#section-3.1","title":"Unauthorized","status":401}`)
				}
				return b.begin(tokens)
			})
			on("POST /api/token/refresh", func(q asked) told {
				if q.at("accessToken") == "" {
					return invalid
				}
				return b.rotate(q.at("refreshToken"), invalid, tokens)
			})
			on("POST /api/token/revoke", func(q asked) told { return b.revoke(q.bearer("Bearer"), say(401, ""), say(204, "")) })
			on("GET /api/customers", func(q asked) told {
				return b.page(q.bearer("Bearer"), say(401, "", `WWW-Authenticate: Bearer error="invalid_token", error_description="The token expired"`))
			})
		},
	}
}

// The old access token for a new one while it may be refreshed, by GET; the end as a date with a zone.
func ginJWT() shape {
	return shape{
		config: `
login: {path: /login}
refresh: {path: /auth/refresh_token, method: GET, access_token: "header:Authorization"}
logout: {path: /auth/logout, access_token: "header:Authorization"}
reply: {access_token: token, refresh_token: "", expires_in: expire}
identity: {subject: id}`,
		claims: `"id":"ada","orig_iat":1,"exp":EPOCH`, page: "/auth/hello",
		api: func(b *book, on route) {
			const tokens = `{"code":200,"expire":"ISO","token":"ACCESS"}`
			expired := say(401, `{"code":401,"message":"Token is expired"}`)
			on("POST /login", func(q asked) told {
				if !b.known(q.at("username"), q.at("password")) {
					return say(401, `{"code":401,"message":"incorrect Username or Password"}`)
				}
				return b.begin(tokens)
			})
			on("GET /auth/refresh_token", func(q asked) told { return b.exchange(q.bearer("Bearer"), expired, tokens) })
			on("POST /auth/logout", func(q asked) told { return b.revoke(q.bearer("Bearer"), expired, say(200, `{"code":200}`)) })
			on("GET /auth/hello", func(q asked) told { return b.page(q.bearer("Bearer"), expired) })
		},
	}
}

// The refresh wants the user's id beside the token.
func userIDAtRefresh() shape {
	return shape{
		config: `
keep: ["uid: data.user.id"]
login: {path: /signin, username: login}
refresh: {path: /renew, refresh_token: token, send: ["userId: {{keep.uid}}"]}
reply: {access_token: data.jwt, refresh_token: data.refresh}
identity: {from: reply, subject: data.user.id, roles: data.user.roles.*.name}`,
		claims: `"exp":EPOCH`, subject: "31", roles: "editor author", deaf: true,
		api: func(b *book, on route) {
			on("POST /signin", func(q asked) told {
				if !b.known(q.at("login"), q.at("password")) {
					return say(401, `{"error":"bad credentials"}`)
				}
				return b.begin(`{"data":{"jwt":"ACCESS","refresh":"REFRESH","user":{"id":31,"roles":[{"name":"editor"},{"name":"author"}]}}}`)
			})
			on("POST /renew", func(q asked) told {
				if q.at("userId") != "31" {
					return say(400, `{"error":"userId is missing"}`)
				}
				return b.rotate(q.at("token"), say(401, `{"error":"dead"}`), `{"data":{"jwt":"ACCESS","refresh":"REFRESH"}}`)
			})
			on("GET /me", func(q asked) told { return b.page(q.bearer("Bearer"), say(401, `{"error":"expired"}`)) })
		},
	}
}

// Fields that the app's own form has, in a body, a header and the next calls; roles as booleans.
func tenantAndCaptcha() shape {
	return shape{
		config: `
keep: ["tenant: tenant.id"]
login:
  path: /auth/login
  extra: [tenant, captcha, remember_me]
  send: ["header:X-Tenant: {{extra.tenant}}", "captcha: {{extra.captcha}}", "remember: {{extra.remember_me}}"]
  answers: ["captcha_required: 400 error=captcha"]
refresh: {path: /auth/refresh, send: ["header:X-Tenant: {{keep.tenant}}"]}
logout: {path: /auth/logout, send: ["header:X-Tenant: {{keep.tenant}}"]}
identity: {from: reply, subject: user.id, roles: [user.is_staff, user.is_superuser]}
forward: ["header:Authorization: Bearer {{access_token}}", "header:X-Tenant: {{keep.tenant}}"]`,
		login:  `,"tenant":"acme","captcha":"03AG","remember_me":true`,
		claims: `"exp":EPOCH`, subject: "u9", roles: "is_staff",
		api: func(b *book, on route) {
			const tokens = `"access_token":"ACCESS","refresh_token":"REFRESH","expires_in":3600}`
			dead := say(401, `{"error":"dead"}`)
			token := func(q asked, token string) string {
				if q.at("header:X-Tenant") != "acme" {
					return ""
				}
				return token
			}
			on("POST /auth/login", func(q asked) told {
				if q.at("captcha") != "03AG" || q.at("remember") != "true" || q.at("header:X-Tenant") != "acme" {
					return say(400, `{"error":"captcha"}`)
				}
				if !b.known(q.at("username"), q.at("password")) {
					return say(401, `{"error":"credentials"}`)
				}
				return b.begin(`{"user":{"id":"u9","is_staff":true,"is_superuser":false},"tenant":{"id":"acme"},` + tokens)
			})
			on("POST /auth/refresh", func(q asked) told { return b.rotate(token(q, q.at("refresh_token")), dead, `{`+tokens) })
			on("POST /auth/logout", func(q asked) told { return b.revoke(token(q, q.at("refresh_token")), dead, say(204, "")) })
			on("GET /me", func(q asked) told { return b.page(token(q, q.bearer("Bearer")), dead) })
		},
	}
}
