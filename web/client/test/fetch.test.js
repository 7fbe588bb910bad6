import assert from "node:assert/strict";
import { test } from "node:test";
import { ada, bob, browser, nobody, pass, problem, settle, signedIn } from "./harness.js";

const api = "https://app.test/api";
const text = (status, headers, body = status + "") => new Response(body, { status, headers });
const stream = () => new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode("x")); c.close(); } });

/** A tab of somebody who is signed in, and an API that answers one thing after the other. */
async function opened(t, options) {
  const b = browser(t), delivered = [];
  b.session = signedIn(ada);
  const tab = b.tab(options).watch();
  await settle();
  const answers = [];
  b.api = async (request) => {
    delivered.push(request.method + " " + await request.text());
    const answer = answers.shift() ?? text(200);
    return typeof answer === "function" ? answer() : answer;
  };
  b.asked.length = 0;
  return { b, ...tab, delivered, answers };
}

const post = { method: "POST", body: "x" };
const retry = { "X-Sessiongate-Upstream": "401", "X-Sessiongate-Retry": "1" };
const soon = (status, code, headers) => problem(status, code, { headers: { "Retry-After": "3", ...headers } });
// A POST that was answered with a redirect was carried out, most likely; what follows is a GET.
const redirected = (res) => Object.defineProperty(res, "redirected", { value: true });
// The second table: what is answered, and what becomes of the request.
for (const [name, init, given, status, times, seconds = 0] of [
  ["a success", post, [text(200)], 200, 1],
  ["session_stale: once more", post, [problem(401, "session_stale")], 200, 2],
  ["session_stale twice: no third time", post, [problem(401, "session_stale"), problem(401, "session_stale")], 401, 2],
  ["the gateway asks for it again", post, [text(401, retry)], 200, 2],
  ["the gateway asks for it again, whatever the status", post, [text(200, retry)], 200, 2],
  ["the gateway asks twice", post, [text(401, retry), text(401, retry)], 401, 2],
  ["a stream cannot be sent twice", { ...post, body: stream(), duplex: "half" }, [problem(401, "session_stale")], 401, 1],
  ["a 401 of the application", post, [text(401, { "X-Sessiongate-Upstream": "401" })], 401, 1],
  ["session_stale after a redirect", post, [redirected(problem(401, "session_stale"))], 401, 1],
  ["our 503 after a redirect", post, [redirected(soon(503, "overloaded"))], 503, 1],
  ["the end of the session after a redirect", post, [redirected(problem(401, "session_ended"))], 401, 1],
  ["a problem of another gateway behind ours", post, [soon(503, "overloaded", { "X-Sessiongate-Upstream": "503" })], 503, 1],
  ["its 401", post, [problem(401, "session_stale", { headers: { "X-Sessiongate-Upstream": "401" } })], 401, 1],
  ["our 503", post, [soon(503, "overloaded")], 200, 2, 3],
  ["our 429", post, [soon(429, "rate_limited")], 200, 2, 3],
  ["our 503 twice", post, [soon(503, "overloaded"), soon(503, "overloaded")], 503, 2, 3],
  ["our 503, for longer than 10 s", post, [soon(503, "overloaded", { "Retry-After": "11" })], 503, 1],
  ["our 503 without a time", post, [problem(503, "store_unavailable")], 503, 1],
  ["our 503, until a date", post, [soon(503, "overloaded", { "Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT" })], 503, 1],
  ["our 503 before a stream", { ...post, body: stream(), duplex: "half" }, [soon(503, "overloaded")], 503, 1],
  ["a CDN's 503", post, [text(503, { "Retry-After": "1" })], 503, 1],
  ["a CDN's problem", post, [text(503, { "Retry-After": "1", "Content-Type": "application/problem+json" }, `{"type":"about:blank"}`)], 503, 1],
  ["somebody else's problem that looks like ours", post, [soon(503, "overloaded", { "X-Sessiongate-Problem": "" })], 503, 1],
  ["the mark of another problem", post, [soon(503, "overloaded", { "X-Sessiongate-Problem": "rate_limited" })], 503, 1],
  ["the mark alone", post, [text(503, { "Retry-After": "1", "X-Sessiongate-Problem": "overloaded" })], 503, 1],
  ["502", post, [soon(502, "upstream_unreachable")], 502, 1],
  ["504", post, [soon(504, "upstream_timeout")], 504, 1],
  ["500", post, [soon(500, "internal_error")], 500, 1],
  ["403", post, [soon(403, "forbidden")], 403, 1],
]) {
  test("fetch: " + name, async (t) => {
    const { client, delivered, answers, heard } = await opened(t, { replay: true });
    answers.push(...given);
    const answer = client.fetch(api, init);
    await settle();
    if (seconds) {
      await pass(seconds - 0.1);
      assert.equal(delivered.length, 1);
      await pass(0.1);
    }
    const res = await answer;
    assert.deepEqual([res.status, delivered, heard], [status, Array(times).fill("POST x"), []]);
    assert.equal(typeof await res.text(), "string");
  });
}

test("fetch: a network fault is the caller's, and nothing is sent twice", async (t) => {
  const { client, answers, delivered } = await opened(t, { replay: true });
  answers.push(() => { throw new TypeError("reset"); });
  await assert.rejects(client.fetch(api, post), TypeError);
  assert.equal(delivered.length, 1);
  assert.equal(client.getSnapshot().stale, undefined);
});

test("fetch: another origin has no word about the session, and gets no credentials", async (t) => {
  const { b, client, heard } = await opened(t, { replay: true, base: "https://login.test/auth/" });
  b.api = (r) => (b.credentials = r.credentials, soon(503, "overloaded"));
  assert.equal((await client.fetch("https://other.test/api")).status, 503);
  assert.equal(b.credentials, "same-origin");
  b.api = () => problem(401, "session_ended");
  assert.equal((await client.fetch("https://other.test/api")).status, 401);
  assert.deepEqual(heard, []);
});

test("fetch: a gateway on another origin gets the cookie", async (t) => {
  const { b, client } = await opened(t, { base: "https://login.test/auth/" });
  const sent = [];
  b.api = (r) => { sent.push([r.url, r.credentials]); return text(200); };
  await client.fetch("https://login.test/api");
  await client.fetch(new Request("https://login.test/api"));
  await client.fetch("https://login.test/api", { credentials: "omit" });
  await client.fetch("/page");
  assert.deepEqual(sent.map(([, c]) => c), ["include", "include", "omit", "same-origin"]);
  assert.equal(client.loginURL({ returnTo: "/x#y" }), "https://login.test/auth/login?return_to=%2Fx#y");
});

test("fetch: URLs are the document's, as with the browser's own", async (t) => {
  const { b, client } = await opened(t);
  b.document.baseURI = "https://app.test/some/where/";
  await client.fetch("x");
  await client.fetch("/y");
  await client.fetch(new URL("https://app.test/z"));
  assert.deepEqual(b.asked, ["GET /some/where/x", "GET /y", "GET /z"]);
});

const ended = () => problem(401, "session_ended", { reason: "evicted" });
const stepUp = () => problem(401, "reauthentication_required", { login_url: "/auth/login?max_age=60" });

test("fetch: without replay a session that is over is told, and the 401 returned", async (t) => {
  const { client, answers, heard, delivered } = await opened(t);
  answers.push(ended());
  assert.equal((await client.fetch(api, post)).status, 401);
  assert.deepEqual([heard, delivered], [[["ended", { reason: "evicted" }]], ["POST x"]]);
});

test("fetch: without replay step_up is told, and the 401 returned", async (t) => {
  const { client, answers, heard } = await opened(t);
  answers.push(stepUp());
  assert.equal((await client.fetch(api, post)).status, 401);
  assert.deepEqual(heard, [["step_up", { login_url: "/auth/login?max_age=60" }]]);
  assert.equal(client.getSnapshot().status, "authenticated");
});

/** A POST that is held because the session is over. */
async function holding(t, { init = post, answer = ended } = {}) {
  const o = await opened(t, { replay: true });
  o.answers.push(answer());
  o.outcome = null;
  o.sent = o.client.fetch(api, init).then((res) => { o.outcome = res.status; }, (error) => { o.outcome = error; });
  o.b.session = nobody("evicted");
  await settle();
  return o;
}

test("held: sent exactly once when the same user is signed in again, in whatever way", async (t) => {
  for (const [name, how] of [
    ["the page's form", async ({ b, client }) => {
      b.api = ((before) => (r) => (r.url.endsWith("login") ? Response.json(b.session) : before(r)))(b.api);
      await client.signIn({ username: "ada", password: "x" });
    }],
    ["another tab", async ({ b }) => { b.tab().watch(); }],
    ["a popup", async ({ b, client }) => { const done = client.signIn({ popup: true }); b.popupDone(); await done; }],
    ["a look", async ({ client }) => { await client.session(); }],
  ]) {
    await t.test(name, async (t) => {
      const o = await holding(t);
      assert.deepEqual([o.outcome, o.delivered, o.heard.map(([type]) => type)], [null, ["POST x"], ["ended"]]);
      await o.client.session();
      await pass(20);
      assert.equal(o.outcome, null);
      o.b.session = signedIn(ada, "s2");
      await how(o);
      await settle();
      await o.sent;
      assert.deepEqual([o.outcome, o.delivered], [200, ["POST x", "POST x"]]);
      await o.client.session();
      await pass(400);
      assert.equal(o.delivered.length, 2);
    });
  }
});

test("held: never sent as another user", async (t) => {
  for (const [name, doc] of [["another subject", signedIn(bob, "s2")], ["another provider", signedIn(ada, "s2", { provider: "corp" })]]) {
    await t.test(name, async (t) => {
      const o = await holding(t);
      o.b.session = doc;
      await o.client.session();
      await o.sent;
      assert.deepEqual([o.outcome.name, o.outcome.code, o.delivered.length], ["SessionError", "user_changed", 1]);
      o.b.session = signedIn(ada, "s3");
      await o.client.session();
      assert.equal(o.delivered.length, 1);
    });
  }
});

test("held: not without the gateway's mark, and not for a user whom the page does not know", async (t) => {
  const o = await opened(t, { replay: true });
  o.answers.push(problem(401, "session_ended", { headers: { "X-Sessiongate-Problem": "" } }));
  assert.equal((await o.client.fetch(api, post)).status, 401);
  o.answers.push(problem(401, "authentication_required"));
  assert.equal((await o.client.fetch(api, post)).status, 401); // nobody's request
  const { client } = o.b.tab({ replay: true }); // which has not looked yet
  o.answers.push(ended());
  assert.equal((await client.fetch(api, post)).status, 401);
});

test("held: refused again, it is returned", async (t) => {
  const o = await holding(t);
  o.answers.push(ended());
  o.b.session = signedIn(ada, "s2");
  await o.client.session();
  await o.sent;
  assert.deepEqual([o.outcome, o.delivered.length], [401, 2]);
});

test("held: a stream is not", async (t) => {
  const o = await holding(t, { init: { ...post, body: stream(), duplex: "half" } });
  assert.equal(o.outcome, 401);
});

test("held: an AbortSignal is obeyed", async (t) => {
  const abort = new AbortController(), o = await holding(t, { init: { ...post, signal: abort.signal } });
  abort.abort(new Error("enough"));
  await o.sent;
  assert.equal(o.outcome.message, "enough");
  o.b.session = signedIn(ada, "s2");
  await o.client.session();
  assert.equal(o.delivered.length, 1);
});

test("held: for five minutes, then the 401 is returned", async (t) => {
  const o = await holding(t);
  await pass(299);
  assert.equal(o.outcome, null);
  await pass(2);
  assert.equal(o.outcome, 401);
  o.b.session = signedIn(ada, "s2");
  await o.client.session();
  assert.equal(o.delivered.length, 1);
});

test("held: fifty, no more", async (t) => {
  const o = await opened(t, { replay: true }), statuses = [];
  o.b.session = nobody("evicted");
  o.answers.push(...Array.from({ length: 51 }, ended));
  const sent = Array.from({ length: 51 }, (_, i) => o.client.fetch(api, { method: "POST", body: "" + i }).then((r) => statuses.push(r.status)));
  await settle();
  assert.deepEqual(statuses, [401]);
  o.b.session = signedIn(ada, "s2");
  await o.client.session();
  await Promise.all(sent);
  assert.deepEqual(statuses.filter((s) => s === 200).length, 50);
  assert.equal(new Set(o.delivered).size, 51);
  assert.equal(o.delivered.length, 101);
});

test("held: given back by a sign-out and by close", async (t) => {
  for (const how of ["signOut", "close"]) {
    await t.test(how, async (t) => {
      const o = await holding(t);
      o.answers.push(Response.json({ next: "" }));
      await o.client[how]();
      await o.sent;
      assert.equal(o.outcome, 401);
    });
  }
});

test("held for a step-up: until the sign-in is newer, and step_up told once", async (t) => {
  const o = await holding(t, { answer: stepUp });
  o.b.session = signedIn(ada);
  await o.client.session();
  await settle();
  assert.equal(o.outcome, null);
  o.b.session = signedIn(ada, "s2", { auth_time: "2026-01-01T11:00:00Z" });
  await o.client.session();
  await o.sent;
  assert.deepEqual([o.outcome, o.delivered.length], [200, 2]);
  assert.deepEqual(o.heard, [["step_up", { login_url: "/auth/login?max_age=60" }]]);
});

test("held for a step-up that was not enough: the second answer is returned, and nothing told again", async (t) => {
  const o = await holding(t, { answer: stepUp });
  o.answers.push(stepUp());
  o.b.session = signedIn(ada, "s2", { auth_time: "2026-01-01T11:00:00Z" });
  await o.client.session();
  await o.sent;
  assert.deepEqual([o.outcome, o.delivered.length, o.heard.length], [401, 2, 1]);
});

test("held for a step-up with a provider that tells no time: until there is another session", async (t) => {
  const o = await opened(t, { replay: true });
  const untimed = (id) => signedIn(ada, id, { auth_time: undefined });
  o.b.session = untimed("s1");
  await o.client.session();
  o.answers.push(stepUp());
  const sent = o.client.fetch(api, post);
  await settle();
  await o.client.session();
  await pass(60);
  assert.equal(o.delivered.length, 1);
  o.b.session = untimed("s2");
  await o.client.session();
  assert.equal((await sent).status, 200);
});

test("a 401 that comes when the same user has signed in again: sent again at once", async (t) => {
  const o = await opened(t, { replay: true });
  let late;
  o.answers.push(() => new Promise((resolve) => { late = resolve; }));
  const sent = o.client.fetch(api, post);
  await settle();
  o.b.session = signedIn(ada, "s2");
  await o.client.session();
  late(ended());
  assert.equal((await sent).status, 200);
  assert.deepEqual(o.heard, []);
});

test("an abort ends the wait for our 503", async (t) => {
  const abort = new AbortController(), o = await opened(t);
  o.answers.push(soon(503, "overloaded"));
  const sent = o.client.fetch(api, { ...post, signal: abort.signal });
  await settle();
  abort.abort(new Error("enough"));
  await assert.rejects(sent, /enough/);
  await pass(10);
  assert.equal(o.delivered.length, 1);
});
