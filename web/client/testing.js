// A gateway for tests: a function that takes a Request and answers as sessiongate does. Give it to createClient as
// `fetch`, or to a mock of the network such as MSW.

/** @import { Client, SessionDocument, User } from "./types.d.ts" */

/**
 * @typedef {object} MockOptions
 * @property {Partial<User> | null} [user]  who is signed in; nobody if null or left out
 * @property {string} [base]  as in createClient
 * @property {(request: Request) => Response | Promise<Response>} [api]  answers what the gateway lets through; 204 if left out
 */

/**
 * @typedef {object} MockControls
 * @property {(user?: Partial<User>) => void} signIn  somebody signs in, as in a popup or in another tab; the same user if left out
 * @property {() => void} expire  the session was not used for too long
 * @property {(reason?: string) => void} end  the session is over, for a reason such as revoked_by_user
 * @property {(on?: boolean) => void} offline  no request gets through any more; offline(false) ends that
 * @property {(on?: boolean) => void} unavailable  503 to everything, as when the session store cannot be reached
 * @property {() => void} stale  the next request has an outdated cookie (401 session_stale)
 * @property {() => void} stepUp  the API wants a newer sign-in (401 reauthentication_required), until signIn
 * @property {string[]} delivered  what reached the API, as "POST /api/orders"
 */

/** @typedef {((request: Request) => Promise<Response>) & MockControls} MockGateway */

/**
 * Makes a gateway.
 * @param {MockOptions} [options]
 * @returns {MockGateway}
 */
export function mockGateway({ user, base = "/auth/", api = () => new Response(null, { status: 204 }) } = {}) {
  const prefix = new URL(base, "http://localhost").pathname;
  let sessions = 0, offline = false, unavailable = false, stale = false, stepUp = false;
  /** @type {User} */
  let somebody = { sub: "1", name: "Ada Lovelace", roles: [], claims: {} };
  let id = "", authTime = 0, reason = "";
  const now = () => new Date().toISOString().slice(0, 19) + "Z";
  let signedInAt = now();

  /** @param {Partial<User>} [who] */
  function signIn(who) {
    somebody = { ...somebody, ...who };
    id = "session-" + ++sessions;
    reason = "";
    stepUp = false;
    // A second sign-in within one second is a newer one all the same.
    authTime = Math.max(authTime + 1000, Math.floor(Date.now() / 1000) * 1000);
    signedInAt = now();
  }

  /** @param {string} why */
  function end(why) {
    id = "";
    reason = why;
  }

  /** @returns {SessionDocument} */
  const document = () => (id ? {
    authenticated: true,
    user: somebody,
    session: {
      id, provider: "mock", created_at: signedInAt, auth_time: new Date(authTime).toISOString().slice(0, 19) + "Z",
      expires_in: 36000, idle_expires_in: 3600, access_expires_in: 300,
    },
  } : { authenticated: false, ...(reason && { reason }) });

  /** @param {number} status @param {string} code @param {Record<string, unknown>} [more] @param {Record<string, string>} [headers] */
  const problem = (status, code, more, headers) => new Response(
    JSON.stringify({ type: "urn:sessiongate:problem:" + code, title: code, status, detail: "A test's answer.", code, ...more }),
    { status, headers: { "Content-Type": "application/problem+json", "X-Sessiongate-Problem": code, ...headers } },
  );

  const refusal = () => (!reason ? problem(401, "authentication_required", { login_url: prefix + "login" })
    : problem(401, ["idle", "absolute"].includes(reason) ? "session_expired" : "session_ended", { reason, login_url: prefix + "login" }));

  /** The gateway's own endpoints. @param {Request} request @param {string} path @returns {Promise<Response>} */
  async function own(request, path) {
    const asked = request.method + " " + path;
    if (asked === "GET session") return Response.json(document());
    if (asked === "GET done") return new Response("", { headers: { "Content-Type": "text/html" } });
    if (asked === "POST logout") {
      end("");
      return Response.json({ logout_url: null, next: prefix + "logout/done" });
    }
    if (asked === "POST login") {
      const { username, password } = await request.json();
      if (!username || !password) return problem(400, "bad_request");
      if (password === "wrong") return problem(401, "invalid_credentials");
      signIn(username === somebody.name ? {} : { sub: username, name: username });
      return Response.json(document());
    }
    if (!id) return refusal();
    if (asked === "POST refresh") return Response.json(document());
    if (asked === "GET sessions") {
      return Response.json({ sessions: [{
        id, current: true, created_at: signedInAt, last_seen_at: now(), device: "Test", ip_prefix: "203.0.113.0/24", provider: "mock",
      }] });
    }
    if (asked === "DELETE sessions") {
      const others = new URL(request.url).searchParams.get("keep") === "current";
      if (!others) end("logout_everywhere");
      return Response.json({ ended: others ? 0 : 1 });
    }
    if (asked === "DELETE sessions/" + id) {
      end("revoked_by_user");
      return new Response(null, { status: 204 });
    }
    return problem(404, "not_found");
  }

  /** @type {string[]} */
  const delivered = [];

  /** @param {Request} request @returns {Promise<Response>} */
  async function gateway(request) {
    const { pathname } = new URL(request.url);
    if (request.signal?.aborted) throw request.signal.reason;
    if (offline) throw new TypeError("Failed to fetch");
    if (unavailable) return problem(503, "store_unavailable", { retry_after: 60 }, { "Retry-After": "60" });
    if (stale && id) {
      stale = false;
      return problem(401, "session_stale");
    }
    if (pathname.startsWith(prefix)) return own(request, pathname.slice(prefix.length));
    if (!id) return refusal();
    if (stepUp) return problem(401, "reauthentication_required", { login_url: prefix + "login?max_age=60" });
    delivered.push(request.method + " " + pathname);
    return api(request);
  }

  if (user) signIn(user);
  return Object.assign(gateway, {
    signIn, end: (why = "revoked_by_user") => end(why), expire: () => end("idle"), delivered,
    offline: (on = true) => { offline = on; },
    unavailable: (on = true) => { unavailable = on; },
    stale: () => { stale = true; },
    stepUp: () => { stepUp = true; },
  });
}
