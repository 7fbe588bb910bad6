// sessiongate's client library: an ES module without dependencies and without a build step.
//
//   import * as auth from "/auth/client.js";
//
//   const me = await auth.session();            // who is signed in, if anybody
//   const res = await auth.fetch("/api/orders");
//   addEventListener("sessiongate:ended", (e) => auth.login());
//   auth.subscribe();                           // hear of the end even while no request is made
//
// It holds no token: there is none in the browser. Requests go out with the cookie that scripts cannot read. Tabs of
// one browser share what they learn through a BroadcastChannel, and share one event stream where the browser has Web
// Locks.

/**
 * @typedef {object} User
 * @property {string} sub
 * @property {string} name
 * @property {string[]} roles
 * @property {Record<string, unknown>} claims
 */

/**
 * @typedef {object} Details
 * @property {string} id
 * @property {string} provider
 * @property {string} created_at  RFC 3339
 * @property {string} auth_time   RFC 3339
 * @property {number} expires_in         seconds
 * @property {number} idle_expires_in    seconds
 * @property {number} access_expires_in  seconds
 */

/**
 * @typedef {object} SessionDocument
 * @property {boolean} authenticated
 * @property {string} [reason]  why the last session ended
 * @property {User} [user]
 * @property {Details} [session]
 */

/**
 * @typedef {object} Problem  RFC 9457, as the gateway sends it
 * @property {string} type
 * @property {string} title
 * @property {number} status
 * @property {string} detail
 * @property {string} code
 * @property {string} [reason]  why the session ended, or why a sign-in was refused: email_not_confirmed, account_locked, …
 * @property {Record<string, unknown>} [step]  with code login_step_required: what the sign-in still needs
 * @property {string} [login_url]
 * @property {number} [retry_after]  seconds
 */

/** An answer of the gateway that was not a success. */
export class SessionError extends Error {
  /** @param {number} status @param {Problem | null} problem */
  constructor(status, problem) {
    super(problem ? problem.title + ": " + problem.detail : "HTTP status " + status);
    this.name = "SessionError";
    this.status = status;
    this.problem = problem;
  }
}

// The library lies beside the endpoints, whatever the prefix is.
const base = new URL("./", import.meta.url);
const send = globalThis.fetch.bind(globalThis);
const tabs = "BroadcastChannel" in globalThis ? new BroadcastChannel("sessiongate " + base.pathname) : null;

const over = new Set(["session_expired", "session_ended", "session_reused"]);
let told = false; // the end of this page's session was dispatched
/** @type {string | undefined} */
let shown; // id of the session this page was made for, "" for none; undefined: nobody asked

/** @param {string} type @param {object} detail */
function dispatch(type, detail) {
  globalThis.dispatchEvent?.(new CustomEvent("sessiongate:" + type, { detail }));
}

/** Dispatches sessiongate:ended once for each session. @param {string} reason @param {boolean} heard by another tab */
function ended(reason, heard = false) {
  if (told) return;
  told = true;
  close();
  if (!heard) tabs?.postMessage({ type: "ended", detail: { reason } });
  dispatch("ended", { reason });
}

/**
 * Reads the problem in a response and leaves its body readable. Null if it is not one of the gateway's own: an API
 * behind it may well answer 401 for reasons of its own.
 * @param {Response} res
 * @returns {Promise<Problem | null>}
 */
async function problemOf(res) {
  if (!(res.headers.get("Content-Type") || "").startsWith("application/problem+json")) return null;
  try {
    const body = await res.clone().json();
    return typeof body?.type === "string" && body.type.startsWith("urn:sessiongate:problem:") ? body : null;
  } catch {
    return null;
  }
}

/**
 * Whether the gateway asks for the same request again: the application refused the token and did nothing, and there is
 * a new token now. A stream is gone once it was sent.
 * @param {Response} res
 * @param {RequestInit} [init]
 */
function wantsRetry(res, init) {
  return res.headers.get("X-Sessiongate-Retry") === "1" && !(init?.body instanceof ReadableStream);
}

/**
 * fetch with the session. It repeats a request once when the gateway asks for that (session_stale: another tab has
 * just got a newer cookie; X-Sessiongate-Retry: there is a newer token) and dispatches sessiongate:ended on window when
 * the session is over. Everything else is as with the browser's own fetch; in particular a 401 is returned, not thrown.
 * @param {RequestInfo | URL} input
 * @param {RequestInit} [init]
 * @returns {Promise<Response>}
 */
async function authFetch(input, init) {
  const request = new Request(input, init);
  const again = request.clone(); // a body can be read once
  let res = await send(request);
  let problem = res.status === 401 ? await problemOf(res) : null;
  if (problem?.code === "session_stale" || wantsRetry(res, init)) {
    res.body?.cancel().catch(() => {}); // nobody reads it
    res = await send(again);
    problem = res.status === 401 ? await problemOf(res) : null;
  }
  if (problem && over.has(problem.code)) ended(problem.reason || "");
  return res;
}
export { authFetch as fetch };

/** @param {string} path @param {RequestInit} [init] @returns {Promise<any>} */
async function ask(path, init) {
  const res = await authFetch(new URL(path, base), { headers: { Accept: "application/json" }, ...init });
  if (!res.ok) throw new SessionError(res.status, await problemOf(res));
  return res.json();
}

/**
 * Who is signed in. Looking does not count as using the session unless touch is true.
 * @param {{touch?: boolean}} [options]
 * @returns {Promise<SessionDocument>}
 */
export async function session({ touch = false } = {}) {
  const doc = await ask(touch ? "session" : "session?touch=false");
  if (doc.authenticated) told = false;
  shown = doc.session?.id || "";
  return doc;
}

// The Back button may bring a page back as it was, with the data of whoever was signed in then (HTML: back/forward
// cache). If that is not today's session, the page is loaded anew.
globalThis.addEventListener?.("pageshow", async (event) => {
  if (!(/** @type {PageTransitionEvent} */ (event).persisted)) return;
  const before = shown;
  const doc = await session().catch(() => null); // who cannot be asked has not changed
  if (doc && (before === undefined || before !== shown)) location.reload();
});

/**
 * Where to sign in and come back from. The fragment of returnTo is the URL's own: the browser brings it back, and no
 * server is told.
 * @param {{returnTo?: string, provider?: string}} [options] returnTo: a path on this origin; this page if left out
 */
export function loginURL({ returnTo = location.pathname + location.search + location.hash, provider } = {}) {
  const url = new URL("login", base);
  const [path] = returnTo.split("#", 1);
  url.searchParams.set("return_to", path);
  if (provider) url.searchParams.set("provider", provider);
  return url.pathname + url.search + returnTo.slice(path.length);
}

/** Goes to the login page and comes back here. @param {Parameters<typeof loginURL>[0]} [options] */
export function login(options) {
  location.assign(loginURL(options));
}

/**
 * Ends the session, tells the other tabs, and goes to the identity provider's own sign-out page if there is one.
 * @param {{returnTo?: string}} [options] returnTo: where to go otherwise; the gateway's page after a logout
 *   (session.after_logout) if left out, nowhere if empty
 */
export async function logout({ returnTo } = {}) {
  const { logout_url: away, next } = await ask("logout", { method: "POST" });
  ended("logout");
  const to = away || (returnTo ?? next); // next: where a page goes that has nowhere else to go
  if (to) location.assign(to);
}

// The event stream. One tab of the browser holds it and passes on what it hears.

/** @type {EventSource | null} */
let source = null;
let wanted = false;
/** @type {(() => void) | null} */
let release = null;

const names = ["refreshed", "expiring", "sessions_changed"];

/**
 * Dispatches sessiongate:refreshed, sessiongate:expiring, sessiongate:sessions_changed and sessiongate:ended on window
 * from now on. Listening does not keep the session alive.
 * @returns {() => void} stops it
 */
export function subscribe() {
  if (!wanted) {
    wanted = true;
    if (navigator.locks) {
      // Whoever gets the lock holds the stream; when its tab closes, the next one takes over.
      navigator.locks.request("sessiongate " + base.pathname, () => wanted && new Promise((resolve) => {
        release = () => resolve(undefined);
        open();
      })).catch(() => wanted && open());
    } else {
      open();
    }
  }
  return close;
}

function close() {
  wanted = false;
  source?.close();
  source = null;
  release?.();
  release = null;
}

function open() {
  source = new EventSource(new URL("events", base), { withCredentials: true });
  for (const name of names) {
    source.addEventListener(name, (event) => {
      const detail = JSON.parse(/** @type {MessageEvent} */ (event).data);
      tabs?.postMessage({ type: name, detail });
      dispatch(name, detail);
    });
  }
  source.addEventListener("ended", (event) => ended(JSON.parse(/** @type {MessageEvent} */ (event).data).reason || ""));
  source.addEventListener("error", async () => {
    // Closed means refused, by a 401 most likely; anything else the browser tries again by itself.
    if (source?.readyState !== EventSource.CLOSED) return;
    const doc = await session().catch(() => null);
    if (doc && !doc.authenticated) ended(doc.reason || "");
    else if (wanted) setTimeout(() => wanted && open(), 5000);
  });
}

tabs?.addEventListener("message", ({ data }) => {
  if (data?.type === "ended") ended(data.detail?.reason || "", true);
  else if (wanted && names.includes(data?.type)) dispatch(data.type, data.detail || {});
});
