import assert from "node:assert/strict";
import { test } from "node:test";
import { ada, bob, browser, nobody, pass, problem, settle, signedIn } from "./harness.js";

const offline = () => { throw new TypeError("fetch failed"); };
const text = (status, body, headers) => new Response(body, { status, headers });

// The first table of what a snapshot may come from: what was known, what the gateway or the network says, what is
// known then.
for (const [before, name, says, status, more = {}] of [
  ["loading", "200, signed in", signedIn(ada), "authenticated"],
  ["loading", "200, nobody", nobody(), "anonymous"],
  ["loading", "200, nobody any more", nobody("idle"), "anonymous", { reason: "idle" }],
  ["loading", "a network fault", offline, "loading", { stale: true }],
  ["loading", "429", () => problem(429, "rate_limited"), "loading", { stale: true }],
  ["loading", "503", () => problem(503, "store_unavailable"), "loading", { stale: true }],
  ["authenticated", "200, signed in", signedIn(ada), "authenticated"],
  ["authenticated", "200, nobody", nobody("absolute"), "anonymous", { reason: "absolute" }],
  ["authenticated", "its own 401", () => problem(401, "session_ended", { reason: "evicted" }), "anonymous", { reason: "evicted" }],
  ["authenticated", "its own 401 to no cookie", () => problem(401, "authentication_required"), "anonymous"],
  ["authenticated", "a network fault", offline, "authenticated", { stale: true }],
  ["authenticated", "429", () => problem(429, "rate_limited"), "authenticated", { stale: true }],
  ["authenticated", "500", () => problem(500, "internal_error"), "authenticated", { stale: true }],
  ["authenticated", "502 of a proxy", () => text(502, "bad gateway"), "authenticated", { stale: true }],
  ["authenticated", "503", () => problem(503, "store_unavailable"), "authenticated", { stale: true }],
  ["authenticated", "a 401 of somebody else", () => text(401, "who?"), "authenticated", { stale: true }],
  ["authenticated", "the page of a captive portal", () => text(200, "<html>", { "Content-Type": "text/html" }), "authenticated", { stale: true }],
  ["authenticated", "JSON of somebody else", () => text(200, "{}"), "authenticated", { stale: true }],
  ["authenticated", "half an answer", () => text(200, `{"authenticated": true}`), "authenticated", { stale: true }],
  ["anonymous", "200, nobody", nobody(), "anonymous"],
  ["anonymous", "a network fault", offline, "anonymous", { stale: true }],
  ["anonymous", "503", () => problem(503, "store_unavailable"), "anonymous", { stale: true }],
]) {
  test(`snapshot: ${before}, then ${name}`, async (t) => {
    const b = browser(t), { client } = b.tab();
    if (before !== "loading") {
      b.session = before === "authenticated" ? signedIn(ada) : nobody();
      await client.session();
    }
    assert.equal(client.getSnapshot().status, before);
    b.session = says;
    await client.session().catch(() => {});
    const { status: got, reason, stale, user, error } = client.getSnapshot();
    assert.deepEqual({ status: got, reason, stale }, { status, reason: undefined, stale: undefined, ...more });
    assert.equal(user?.sub, status === "authenticated" ? ada.sub : undefined);
    assert.equal(!!error, !!stale);
  });
}

test("a snapshot is the same object while no deadline moves by more than 2 s", async (t) => {
  const b = browser(t), { client, snapshots } = b.tab().watch();
  b.session = signedIn(ada);
  await settle();
  const first = client.getSnapshot();
  assert.equal(first.session.expires_at, Date.now() + 36000_000);
  for (const [seconds, less, same] of [[10, 10, true], [10, 12, true], [10, 25, false]]) {
    await pass(seconds);
    const { session } = b.session;
    b.session = signedIn(ada, "s1", { expires_in: session.expires_in - less, idle_expires_in: session.idle_expires_in - 10 });
    const before = client.getSnapshot();
    await client.session();
    assert.equal(client.getSnapshot() === before, same);
  }
  assert.equal(snapshots.length, 3); // loading, the first answer, the deadline that moved
});

test("what was unclear is cleared up again by itself", async (t) => {
  const b = browser(t), { client, snapshots, heard } = b.tab().watch();
  b.session = signedIn(ada);
  await settle();
  b.session = offline;
  await client.session().catch(() => {});
  await client.session().catch(() => {});
  assert.deepEqual(snapshots.map((s) => s.stale), [undefined, undefined, true]);
  b.session = signedIn(ada);
  await pass(31);
  assert.deepEqual([client.getSnapshot().status, client.getSnapshot().stale], ["authenticated", undefined]);
  assert.deepEqual(heard, []);
});

test("initial skips loading, and asks nothing", async (t) => {
  const b = browser(t), { client, heard } = b.tab({ initial: signedIn(ada) }).watch();
  await pass(1);
  assert.equal(client.getSnapshot().user.name, "Ada");
  assert.deepEqual([b.looks, heard], [0, []]);
});

test("who subscribes is told at once, and then of every change", async (t) => {
  const b = browser(t), { client } = b.tab(), seen = [];
  const stop = client.subscribe((s) => seen.push(s.status));
  assert.deepEqual(seen, ["loading"]);
  await settle();
  assert.deepEqual(seen, ["loading", "anonymous"]);
  stop();
  b.session = signedIn(ada);
  await client.session();
  assert.equal(seen.length, 2);
});

test("a faulty subscriber stops nothing", async (t) => {
  const b = browser(t), { client, heard, snapshots } = b.tab(), reported = [];
  t.mock.method(console, "error", (error) => error.message && reported.push(error.message));
  client.subscribe(() => { throw new Error("render"); });
  client.subscribe((s) => snapshots.push(s));
  await settle();
  b.session = signedIn(ada);
  await client.session();
  await settle();
  assert.deepEqual(heard.map(([type]) => type), ["signed_in"]);
  assert.equal(snapshots.at(-1).status, "authenticated");
  assert.deepEqual(reported, ["render", "render", "render"]);
});

test("an old answer that comes late does not count", async (t) => {
  const b = browser(t), { client, heard } = b.tab().watch();
  b.session = signedIn(ada);
  await settle();
  let late;
  b.session = () => new Promise((resolve) => { late = resolve; });
  const slow = client.session();
  b.api = () => problem(401, "session_ended", { reason: "evicted" });
  await client.fetch("/api");
  b.session = nobody("evicted");
  late(Response.json(signedIn(ada)));
  await slow;
  assert.equal(client.getSnapshot().status, "anonymous");
  await pass(6); // it asks again, to be sure
  assert.equal(client.getSnapshot().status, "anonymous");
  assert.deepEqual(heard, [["ended", { reason: "evicted" }]]);
});

test("looks again when the page is seen, once in 5 s, and renders nothing", async (t) => {
  const b = browser(t), { snapshots } = b.tab().watch(), started = Date.now();
  b.session = () => {
    const gone = Math.floor((Date.now() - started) / 1000);
    return signedIn(ada, "s1", { expires_in: 36000 - gone, idle_expires_in: 3600 - gone });
  };
  await settle();
  await pass(10);
  for (let i = 0; i < 10; i++) {
    b.document.hidden = i % 2 === 1;
    await b.focus();
    await pass(0.2);
  }
  assert.equal(b.looks, 2);
  await pass(10);
  assert.equal(b.looks, 3);
  assert.equal(snapshots.length, 2);
});

test("looks again when the network is back, and when the Back button brings the page back", async (t) => {
  const b = browser(t), { client } = b.tab().watch();
  await pass(10);
  b.page.dispatchEvent(new Event("online"));
  await pass(0);
  assert.equal(b.looks, 2);
  b.page.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: false }));
  await pass(0);
  assert.equal(b.looks, 2);
  b.session = signedIn(bob);
  b.page.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  await settle();
  assert.equal(client.getSnapshot().user.name, "Bob");
});

test("refetch turns both off", async (t) => {
  const b = browser(t);
  b.tab({ refetch: { focus: false, online: false } }).watch();
  await pass(10);
  await b.focus();
  b.page.dispatchEvent(new Event("online"));
  await pass(10);
  assert.equal(b.looks, 1);
});

test("on a server nothing is asked, kept open or thrown", async (t) => {
  const b = browser(t);
  for (const name of ["location", "document", "navigator", "EventSource", "addEventListener", "open"]) delete globalThis[name];
  const { client, snapshots } = b.tab().watch();
  client.on("ended", () => {});
  await pass(60);
  assert.deepEqual(snapshots, [{ status: "loading" }]);
  assert.equal(client.loginURL(), b.base + "login");
  assert.equal(client.loginURL({ returnTo: "/x" }), b.base + "login?return_to=%2Fx");
  assert.equal(b.tab({ initial: signedIn(ada) }).client.getSnapshot().user.name, "Ada");
  assert.deepEqual(b.asked, []);
});
