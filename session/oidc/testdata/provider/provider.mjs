// A real OpenID Connect provider for the tests: npm oidc-provider on 127.0.0.1.
// node provider.mjs NODE_MODULES '{"redirect": […], "postLogout": […], "backChannel": "…", "lifetime": 300, "alg": "Ed25519"}'
// It prints its issuer once it listens. Further settings put it in the place of another provider:
// client and port, path (of the issuer), jwks (path of the keys), audience (of access tokens, which
// are JWTs then), roles (by user), and always (a refresh token without offline_access). The client's
// secret then comes from the environment.
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import { pathToFileURL } from 'node:url'

const [modules, settings] = process.argv.slice(2)
const { Provider } = await import(pathToFileURL(`${modules}/oidc-provider/lib/index.js`))
const { redirect, postLogout, backChannel, lifetime, alg, client, port, path = '', jwks, audience, roles, always } = JSON.parse(settings)

// A key for the algorithm that is wanted; without one, the provider's own for development.
const key = alg && generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })

const server = createServer()
await new Promise((done) => server.listen(port ?? 0, '127.0.0.1', done))
const issuer = `http://127.0.0.1:${server.address().port}${path}`

// Access tokens for an API that verifies them itself.
const resourceIndicators = audience && {
  enabled: true,
  defaultResource: () => `urn:resource:${audience}`,
  useGrantedResource: () => true,
  getResourceServerInfo: () => ({
    scope: '', audience, accessTokenFormat: 'jwt', accessTokenTTL: lifetime, jwt: { sign: { alg: 'RS256' } },
  }),
}
const rolesOf = (id) => roles?.[id] ?? ['user']

const provider = new Provider(issuer, {
  clients: [{
    client_id: client ?? 'gateway',
    client_secret: process.env.SESSIONGATE_CLIENT_SECRET ?? 'a secret of the test, which nobody else knows',
    redirect_uris: redirect,
    post_logout_redirect_uris: postLogout,
    backchannel_logout_uri: backChannel,
    backchannel_logout_session_required: true,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    ...(alg && { id_token_signed_response_alg: alg }),
  }],
  cookies: { keys: ['a key of the test'] },
  claims: { openid: ['sub'], profile: ['name'], roles: ['roles'] },
  scopes: ['openid', 'offline_access', 'profile', 'roles'],
  conformIdTokenClaims: false, // claims in the ID token, no call to userinfo
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, name: `Real ${id}`, roles: rolesOf(id) }) }),
  ...(audience && { extraTokenClaims: (_, token) => ({ roles: rolesOf(token.accountId) }), claims: { openid: ['sub', 'roles'], profile: ['name'] } }),
  ...(jwks && { routes: { jwks } }),
  ...(always && { issueRefreshToken: () => true }),
  features: {
    devInteractions: { enabled: true },
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    backchannelLogout: { enabled: true },
    ...(resourceIndicators && { resourceIndicators }),
  },
  ...(alg && { jwks: { keys: [key] }, enabledJWA: { idTokenSigningAlgValues: [alg] } }),
  pkce: { required: () => true },
  rotateRefreshToken: true,
  ttl: { AccessToken: lifetime, Grant: 3600, IdToken: 3600, RefreshToken: 3600, Session: 3600, Interaction: 600 },
  // Its own fetch refuses loopback addresses, where the gateway of a test listens.
  fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
})
if (alg) {
  provider.use(async (ctx, next) => { // keys without kid, which RFC 7517 §4.5 allows; tokens keep theirs
    await next()
    if (ctx.path === '/jwks') ctx.body = { keys: ctx.body.keys.map(({ kid, ...rest }) => rest) }
  })
}
provider.on('server_error', (_, error) => console.error(error))
const answer = provider.callback()
server.on('request', (req, res) => {
  req.originalUrl = req.url // what the provider finds its path in
  if (path && req.url.startsWith(`${path}/`)) req.url = req.url.slice(path.length)
  answer(req, res)
})
console.log(issuer)
process.stdin.resume().on('end', () => process.exit(0)) // the test has gone
