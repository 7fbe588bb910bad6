// A browser and a gateway for the tests: what the client asks is answered by a function of the test, time stands still
// until the test moves it, and two clients of one test are two tabs.
import { createClient } from "../core.js";

let tests = 0;

export const ada = { sub: "1", name: "Ada", roles: ["admin"], claims: {} };
export const bob = { sub: "2", name: "Bob", roles: [], claims: {} };

/** What GET /auth/session says of a session. */
export const signedIn = (user, id = "s1", more = {}) => ({
  authenticated: true,
  user,
  session: {
    id, provider: "local", created_at: "2026-01-01T00:00:00Z", auth_time: "2026-01-01T00:00:00Z",
    expires_in: 36000, idle_expires_in: 3600, access_expires_in: 300, ...more,
  },
});
export const nobody = (reason) => ({ authenticated: false, ...(reason && { reason }) });

/** A problem of the gateway, with its proof unless headers say otherwise. */
export function problem(status, code, { headers = {}, ...more } = {}) {
  const body = { type: "urn:sessiongate:problem:" + code, title: code, status, detail: "detail", code, ...more };
  return new Response(JSON.stringify(body), {
    status, headers: { "Content-Type": "application/problem+json", "X-Sessiongate-Problem": code, ...headers },
  });
}

class FakeEventSource extends EventTarget {
  static open = [];
  constructor(url) {
    super();
    this.url = String(url);
    this.readyState = 1;
    FakeEventSource.open.push(this);
  }

  close() {
    this.readyState = 2;
    FakeEventSource.open = FakeEventSource.open.filter((s) => s !== this);
  }

  say(type, data) { this.dispatchEvent(Object.assign(new Event(type), { data: JSON.stringify(data) })); }
}

/** Web Locks, as far as the client uses them. */
class Locks {
  queue = [];
  request(_name, { signal }, run) {
    return new Promise((resolve, reject) => {
      const entry = { run, resolve, reject };
      signal.addEventListener("abort", () => {
        if (this.queue[0] === entry) return;
        this.queue = this.queue.filter((e) => e !== entry);
        reject(signal.reason);
      });
      if (this.queue.push(entry) === 1) this.next();
    });
  }

  next() {
    const [first] = this.queue;
    first?.run().then(first.resolve, first.reject).finally(() => { this.queue.shift(); this.next(); });
  }
}

/** A clock that stands still: setTimeout and Date.now, for as long as a test runs. (node's own mock needs node 20.) */
class Clock {
  timers = new Map();
  last = 0;
  real = { setTimeout, clearTimeout, now: Date.now };

  constructor(now) {
    this.now = now;
    globalThis.setTimeout = (run, ms = 0, ...args) => {
      this.timers.set(++this.last, { at: this.now + Math.max(0, ms), run, args });
      return this.last;
    };
    globalThis.clearTimeout = (id) => this.timers.delete(id);
    Date.now = () => this.now;
  }

  tick(ms) {
    const end = this.now + ms;
    for (;;) {
      const [next] = [...this.timers].filter(([, t]) => t.at <= end).sort(([, a], [, b]) => a.at - b.at);
      if (!next) break;
      const [id, { at, run, args }] = next;
      this.timers.delete(id);
      this.now = Math.max(this.now, at);
      run(...args);
    }
    this.now = end;
  }

  stop() {
    Object.assign(globalThis, { setTimeout: this.real.setTimeout, clearTimeout: this.real.clearTimeout });
    Date.now = this.real.now;
  }
}

let clock;

/** Lets everything happen that needs no time: answers, messages between tabs. */
export async function settle() {
  for (let i = 0; i < 30; i++) await new Promise(setImmediate);
}

/** Moves the clock. */
export async function pass(seconds) {
  clock.tick(seconds * 1000);
  await settle();
}

/**
 * A browser for one test.
 * @param {import("node:test").TestContext} t
 * @param {{ locks?: boolean }} [options]
 */
export function browser(t, { locks = true } = {}) {
  const base = `/auth${++tests}/`;
  const time = clock = new Clock(Date.parse("2026-01-01T12:00:00Z"));
  const page = new EventTarget(), doc = new EventTarget(), went = [], opened = [];
  const set = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  const globals = {
    location: { href: "https://app.test/page?x=1#here", origin: "https://app.test", assign: (to) => went.push(String(to)) },
    document: Object.assign(doc, { hidden: false, baseURI: "https://app.test/page" }),
    navigator: { locks: locks ? new Locks() : undefined },
    EventSource: Object.assign(FakeEventSource, { CLOSED: 2 }),
    addEventListener: page.addEventListener.bind(page),
    open: (url) => opened.push(url),
  };
  for (const [name, value] of Object.entries(globals)) set(name, value);
  FakeEventSource.open = [];
  const clients = [];
  t.after(async () => {
    for (const c of clients) c.close();
    await settle();
    time.stop();
    for (const name of Object.keys(globals)) set(name, undefined);
    delete globalThis.location;
  });

  const b = {
    base, went, opened, page, document: doc,
    /** What the gateway says: a document for the session, and an answer to all else. */
    session: /** @type {any} */ (nobody()),
    api: (_request) => /** @type {any} */ (new Response("ok")),
    /** @type {string[]} every request, as "METHOD PATH" */
    asked: [],
    get looks() { return b.asked.filter((a) => a.startsWith(`GET ${base}session`)).length; },
    get streams() { return FakeEventSource.open; },
    async answer(request) {
      const { pathname, search } = new URL(request.url);
      b.asked.push(request.method + " " + pathname + search);
      await null;
      if (request.signal.aborted) throw request.signal.reason;
      if (request.method === "GET" && pathname === base + "session") {
        const answer = typeof b.session === "function" ? await b.session(request) : b.session;
        return answer instanceof Response ? answer : Response.json(answer);
      }
      return b.api(request);
    },
    /** Opens a tab: a client, and all that it tells. */
    tab(options = {}) {
      const heard = [], snapshots = [];
      const client = createClient({ base, fetch: (r) => b.answer(r), onEvent: (type, detail) => heard.push([type, detail]), ...options });
      clients.push(client);
      return { client, heard, snapshots, watch() { client.subscribe((s) => snapshots.push(s)); return this; } };
    },
    async focus() {
      doc.dispatchEvent(new Event("visibilitychange"));
      await pass(0);
    },
    /** The page behind the popup says that it is done. */
    popupDone() {
      const channel = new BroadcastChannel("sessiongate " + base);
      channel.postMessage({ type: "done" });
      setImmediate(() => channel.close());
    },
  };
  return b;
}
