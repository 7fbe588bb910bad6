// sessiongate-client: see README.md and types.d.ts.
/** @import { Client, ClientOptions, Problem, Snapshot } from "./types.d.ts" */

/** What was no success. */
export class SessionError extends Error {
  /** @param {number} status @param {Problem | null} problem @param {string} [code] */
  constructor(status, problem, code = problem?.code ?? "") {
    super(problem?.detail || code || "HTTP status " + status);
    this.name = "SessionError";
    this.status = status;
    this.problem = problem;
    this.code = code;
  }
}

const over = ["session_expired", "session_ended", "session_reused"];
const relayed = ["refreshed", "expiring", "sessions_changed"];

async function problemOf(res) {
  const body = /problem.json/.test(res.headers.get("Content-Type")) && await res.clone().json().catch(() => {});
  return /^urn:sessiongate:problem:/.test(body?.type) ? body : null;
}

const userOf = (of) => of.user && of.session.provider + " " + of.user.sub;
const fields = (of) => Object.entries(of).map(([name, value]) => [name.replace(/[A-Z]/g, (c) => "_" + c.toLowerCase()), value]);

// Faults of the app stop nothing here.
const call = (run, ...args) => { try { run?.(...args); } catch (error) { console.error(error); } };

/** Makes a client. A page has one. @param {ClientOptions} [options] @returns {Client} */
export function createClient({
  base: at = "/auth/", fetch: send = (...args) => globalThis.fetch(...args), replay, events, refetch, initial, onEvent,
} = {}) {
  const page = globalThis.location; // undefined on a server: nothing is asked
  const base = new URL(String(at).replace(/\/?$/, "/"), page?.href ?? "http://localhost");
  const elsewhere = page && page.origin !== base.origin && { credentials: "include" };
  const channel = "sessiongate " + base.pathname;
  const tabs = page && globalThis.BroadcastChannel ? new BroadcastChannel(channel) : null;
  const closed = new AbortController();

  const listeners = new Set();
  const held = new Set();
  /** @type {Snapshot} */
  let snapshot = { status: "loading" };
  let told = false; // that the session is over
  let heard = ""; // why, says another tab
  let replaced;
  let asked = 0, known = 0; // looks
  let looked = 0, looking, timer, soon;

  const live = () => page && !closed.signal.aborted;
  const tell = (type, detail) => {
    for (const l of [...listeners]) if (l.type === type && listeners.has(l)) call(l.run, detail);
  };
  const emit = (type, detail) => {
    call(onEvent, type, detail);
    tell(type, detail);
  };
  const show = (next) => {
    snapshot = next;
    tell("", next);
  };
  const post = (type, detail) => { if (live()) tabs?.postMessage({ type, detail }); };
  const arm = (ms) => {
    clearTimeout(timer);
    if (live()) timer = setTimeout(look, Math.min(2 ** 31 - 1, ms));
  };

  // Takes the gateway's word.
  function settle(doc) {
    if (!doc.authenticated) return end(doc.reason || heard, false, true);
    const { user, session } = doc;
    const { expires_in, idle_expires_in, access_expires_in, ...lasting } = session, before = snapshot;
    const deadline = (key, seconds) => {
      const at = Date.now() + seconds * 1000, former = before.session?.[key];
      return Math.abs(at - former) <= 2000 ? former : at;
    };
    lasting.expires_at = deadline("expires_at", expires_in);
    lasting.idle_expires_at = deadline("idle_expires_at", idle_expires_in);
    /** @type {Snapshot} */
    const next = { status: "authenticated", user, session: lasting };
    told = false;
    heard = "";
    if (before.stale || JSON.stringify(before) !== JSON.stringify(next)) show(next);
    arm(Math.min(expires_in, idle_expires_in) * 1000 + 1000);
    if (before.session?.id !== session.id) post("session", { id: session.id });
    if (before.status === "anonymous") emit("signed_in", { user });
    if (before.user && userOf(before) !== userOf(next)) emit("user_changed", { from: before.user, to: user });
    release();
    stream();
  }

  // other: a session unknown to this page. looked: says a look.
  function end(reason = "", other, looked) {
    const { status, session, stale, reason: former } = snapshot;
    if (session && reason === "replaced" && !(looked && replaced === session.id)) {
      if (replaced !== session.id) arm(1000); // for the new session's cookie
      replaced = session.id;
      return;
    }
    if (status !== "anonymous" || stale || reason && reason !== former) {
      known = ++asked; // looks under way are out of date
      show({ status: "anonymous", reason: reason || undefined });
    }
    clearTimeout(timer);
    stream();
    if (told || !session && !other) return;
    told = true;
    post("ended", { reason });
    emit("ended", { reason });
  }

  async function ask(path, method, body) {
    const res = await authFetch(new URL(path, base), {
      method, body: body && JSON.stringify(body),
      headers: { Accept: "application/json", ...(body && { "Content-Type": "application/json" }) },
    }, true);
    if (!res.ok) throw new SessionError(res.status, await problemOf(res));
    return res.status === 204 ? null : res.json();
  }

  // No fault changes what was known.
  async function learn(path, method) {
    const number = ++asked;
    looked = Date.now();
    try {
      const doc = await ask(path, method);
      if (typeof doc?.authenticated !== "boolean") throw new SessionError(200, null, "not_sessiongate");
      if (number < known) lookSoon();
      else {
        known = number;
        settle(doc);
      }
      return doc;
    } catch (error) {
      if (number >= known && error.problem?.status !== 401) {
        if (!snapshot.stale) show({ ...snapshot, stale: true, error });
        arm(30_000);
      }
      throw error;
    }
  }

  const session = (options) => learn(options?.touch ? "session" : "session?touch=false");
  const look = () => looking ??= session().catch(() => {}).finally(() => { looking = null; });
  const lookSoon = () => {
    if (live()) soon ??= setTimeout(() => { soon = null; look(); }, looked + (refetch?.minInterval ?? 5) * 1000 - Date.now());
  };

  async function authFetch(input, init, own) {
    const url = new URL(input.url ?? input, globalThis.document?.baseURI ?? base);
    const ours = url.origin === base.origin;
    const request = new Request(input.url ? input : url, { ...(ours && elsewhere), ...init });
    if (!ours) return send(request);
    const again = !(init?.body instanceof ReadableStream); // a stream is gone
    const owner = userOf(snapshot);
    let mayRepeat = again, mayWait = again && !own, mayHold = mayWait && replay && owner, tellStep = true;
    for (;;) {
      const sent = snapshot.session;
      const res = await send(again ? request.clone() : request);
      const mark = (name) => res.headers.get("X-Sessiongate-" + name);
      const refused = res.status === 401, retry = mark("Retry") === "1";
      // What was redirected has been carried out, perhaps.
      if (res.redirected || !retry && (mark("Upstream") || ![401, 429, 503].includes(res.status))) return res;
      const problem = await problemOf(res), code = problem?.code ?? "";
      // Only the gateway can set this: the request went no further.
      const proven = code && mark("Problem") === code;
      const hold = (until) => mayHold && proven && held.size < 50 && pause(300_000, request.signal, { owner, ...until });
      let goOn;
      if (retry || refused && code === "session_stale") {
        goOn = mayRepeat;
        mayRepeat = false;
      } else if (!refused) {
        const after = parseInt(res.headers.get("Retry-After") ?? "");
        goOn = mayWait && proven && after <= 10 && pause(after * 1000, request.signal);
        mayWait = false;
      } else if (code === "reauthentication_required") {
        goOn = hold({ id: sent?.id, since: sent?.auth_time });
        if (tellStep) emit("step_up", { login_url: problem?.login_url });
        mayHold = tellStep = false;
      } else if (code === "authentication_required" || over.includes(code)) {
        goOn = hold();
        if (snapshot.session && snapshot.session.id !== sent?.id) look();
        else end(problem?.reason, code !== "authentication_required");
        mayHold = false;
      }
      release();
      goOn = await goOn;
      if (goOn === "user_changed") throw new SessionError(401, null, goOn);
      if (!goOn) return res;
      res.body?.cancel().catch(() => {});
    }
  }

  const pause = (ms, signal, until) => new Promise((resolve, reject) => {
    const leave = (done, value) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      held.delete(until);
      done(value);
    };
    const abort = () => leave(reject, signal.reason);
    const timer = setTimeout(leave, ms, resolve, !until);
    signal.addEventListener("abort", abort);
    if (until) held.add(Object.assign(until, { leave: (how) => leave(resolve, how) }));
    if (signal.aborted) abort();
  });

  // Sends what was held, as its own user only.
  function release() {
    const now = snapshot.session;
    if (now) for (const h of held) {
      if (h.owner !== userOf(snapshot)) h.leave("user_changed");
      else if (h.since && now.auth_time ? now.auth_time > h.since : now.id !== h.id) h.leave(true);
    }
  }
  const giveBack = () => { for (const h of held) h.leave(false); };

  // With Web Locks one tab has the stream, and tells the others.
  let streamOf, hangUp;
  function stream() {
    const id = live() && events !== "off" && globalThis.EventSource && listeners.size ? snapshot.session?.id : undefined;
    if (id === streamOf) return;
    streamOf = id;
    hangUp?.abort();
    if (!id) return;
    const { signal } = hangUp = new AbortController();
    const open = (share) => {
      if (signal.aborted) return;
      const source = new EventSource(new URL("events", base), { withCredentials: true });
      const on = (type, run) => source.addEventListener(type, ({ data }) => run(data && JSON.parse(data)));
      signal.addEventListener("abort", () => source.close());
      for (const type of relayed) on(type, (detail) => { share?.(type, detail); emit(type, detail); });
      on("ended", ({ reason }) => { if (snapshot.session?.id === id) end(reason); });
      on("error", async () => {
        if (source.readyState !== 2) return; // it connects again by itself
        await look();
        pause(5000, signal).then(() => open(share), () => {});
      });
    };
    if (!navigator.locks) return open();
    navigator.locks.request(channel, { signal }, () => new Promise((done) => {
      signal.addEventListener("abort", done);
      open(post);
    })).catch(() => open());
  }

  const hear = (target, type, run) => target?.addEventListener?.(type, run, { signal: closed.signal });
  // What tabs say is a reason to look, no more.
  hear(tabs, "message", async ({ data }) => {
    const { type, detail = {} } = data ?? {}, ended = type === "ended";
    if (type === "done") tell(type);
    if (relayed.includes(type) && snapshot.session) emit(type, detail);
    if (ended) heard = detail.reason ?? "";
    else if (type !== "session") return;
    await looking;
    if (snapshot.status === "loading" || snapshot.session?.id !== detail.id) await look();
    if (ended && snapshot.status === "anonymous") end(heard, true);
  });
  if (refetch?.focus !== false) {
    hear(globalThis.document, "visibilitychange", () => { if (!document.hidden) lookSoon(); });
  }
  if (refetch?.online !== false) hear(globalThis, "online", lookSoon);
  hear(globalThis, "pageshow", ({ persisted }) => { if (persisted) look(); });

  function listen(type, run) {
    const l = { type, run };
    listeners.add(l);
    if (live() && !looked && !initial) look();
    stream();
    return () => { listeners.delete(l); stream(); };
  }

  function loginURL(options) {
    const { url: from = "login", returnTo = page?.href.slice(page.origin.length), popup, signal, ...query } = options ?? {};
    const url = new URL(from, base), [path] = returnTo?.split("#", 1) ?? [];
    for (const [name, value] of fields({ returnTo: path, ...query })) if (value !== undefined) url.searchParams.set(name, value);
    // The browser brings the fragment back; no server is told.
    return (elsewhere ? url.origin : "") + url.pathname + url.search + (returnTo?.slice(path.length) ?? "");
  }

  async function signIn(options) {
    const { popup, signal, extra, ...given } = options ?? {};
    signal?.throwIfAborted();
    if (given.password !== undefined) {
      const doc = await ask("login", "POST", { ...extra, ...Object.fromEntries(fields(given)) });
      known = ++asked;
      settle(doc);
      return doc;
    }
    if (!popup) return page.assign(loginURL(options));
    const there = loginURL({ ...options, returnTo: new URL("done", base).pathname });
    if (!open(there, "sessiongate", "width=480,height=640")) {
      throw new SessionError(0, null, "popup_blocked");
    }
    return new Promise((resolve, reject) => {
      const stop = listen("done", async () => {
        const doc = await session().catch(() => null);
        if (!doc?.authenticated) return;
        stop();
        resolve(doc);
      });
      signal?.addEventListener("abort", () => { stop(); reject(signal.reason); });
    });
  }

  const revokeOthers = async () => (await ask("sessions?keep=current", "DELETE")).ended;

  if (initial) settle(initial);
  return {
    getSnapshot: () => snapshot,
    subscribe(run) {
      const stop = listen("", run);
      call(run, snapshot);
      return stop;
    },
    on: listen,
    session, signIn, loginURL, revokeOthers,
    fetch: authFetch,
    async signOut({ returnTo, everywhere } = {}) {
      if (everywhere) await revokeOthers();
      const { logout_url, next } = await ask("logout", "POST");
      giveBack();
      end("logout", true);
      const to = logout_url || (returnTo ?? next);
      if (to) page.assign(to);
    },
    refresh: ({ force } = {}) => learn(force ? "refresh?force=true" : "refresh", "POST"),
    sessions: async () => (await ask("sessions")).sessions,
    revoke: (id) => ask("sessions/" + encodeURIComponent(id), "DELETE"),
    close() {
      closed.abort();
      clearTimeout(timer);
      clearTimeout(soon);
      listeners.clear();
      stream();
      giveBack();
      tabs?.close();
    },
  };
}
