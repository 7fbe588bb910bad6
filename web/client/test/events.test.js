import assert from "node:assert/strict";
import { test } from "node:test";
import { ada, bob, browser, nobody, pass, problem, settle, signedIn } from "./harness.js";

/** A tab whose user is signed in, and has been told so. */
async function opened(t, options) {
  const b = browser(t, options);
  b.session = signedIn(ada);
  const tab = b.tab().watch();
  await settle();
  return { b, ...tab, tab };
}

test("signed_in: from nobody to somebody, never on a first look or on a focus", async (t) => {
  const { b, client, heard } = await opened(t);
  await pass(10);
  await b.focus();
  assert.deepEqual(heard, []);
  b.session = nobody("idle");
  await client.session();
  b.session = signedIn(ada, "s2");
  await client.session();
  assert.deepEqual(heard, [["ended", { reason: "idle" }], ["signed_in", { user: ada }]]);
});

test("user_changed: another subject, or the same one by another provider", async (t) => {
  const { b, client, heard } = await opened(t);
  b.session = signedIn(bob, "s2");
  await client.session();
  b.session = signedIn(bob, "s3", { provider: "corp" });
  await client.session();
  b.session = signedIn(bob, "s4", { provider: "corp" });
  await client.session();
  assert.deepEqual(heard, [["user_changed", { from: ada, to: bob }], ["user_changed", { from: bob, to: bob }]]);
});

const own = (reason) => () => problem(401, "session_ended", { reason });
for (const [name, how] of [
  ["a look", async ({ b, client }) => { b.session = nobody("evicted"); await client.session(); }],
  ["a 401", async ({ b, client }) => { b.api = own("evicted"); await client.fetch("/api"); }],
  ["many 401s", async ({ b, client }) => { b.api = own("evicted"); await Promise.all([1, 2, 3].map(() => client.fetch("/api"))); }],
  ["the stream", async ({ b }) => { b.session = nobody(); b.streams[0].say("ended", { reason: "evicted" }); }],
  ["the local deadline", async ({ b }) => { b.session = nobody("evicted"); await pass(3602); }],
  ["a refresh", async ({ b, client }) => { b.api = own("evicted"); await assert.rejects(client.refresh()); }],
  ["the list of sessions", async ({ b, client }) => { b.api = own("evicted"); await assert.rejects(client.sessions()); }],
]) {
  test("ended, told by " + name + ": once, in every tab", async (t) => {
    const first = await opened(t), { b } = first;
    const second = b.tab().watch(), silent = b.tab(); // which only listens, as a page does that has fetched nothing yet
    await settle();
    b.session = nobody(); // the other tabs are told nothing more than this
    await how(first);
    b.session = nobody();
    await settle();
    for (const tab of [first, second, silent]) {
      assert.deepEqual(tab.heard, [["ended", { reason: "evicted" }]]);
      assert.deepEqual([tab.client.getSnapshot().status, tab.client.getSnapshot().reason], ["anonymous", "evicted"]);
    }
    await first.client.fetch("/api");
    await pass(60);
    await b.focus();
    assert.equal(first.heard.length, 1);
  });
}

test("ended by a sign-out, in this tab and the others", async (t) => {
  const { b, client, heard } = await opened(t), other = b.tab().watch();
  await settle();
  b.api = () => { b.session = nobody(); return Response.json({ logout_url: null, next: "/auth/logout/done" }); };
  await client.signOut();
  await settle();
  assert.deepEqual([heard, other.heard], [[["ended", { reason: "logout" }]], [["ended", { reason: "logout" }]]]);
  assert.deepEqual(b.went, ["/auth/logout/done"]);
});

for (const [name, options, answer, asked, went] of [
  ["nowhere", { returnTo: "" }, { next: "/done" }, ["POST logout"], []],
  ["to a page of the app", { returnTo: "/bye" }, { next: "/done" }, ["POST logout"], ["/bye"]],
  ["to the provider", { returnTo: "/bye" }, { logout_url: "https://idp.test/out", next: "/done" }, ["POST logout"], ["https://idp.test/out"]],
  ["everywhere", { everywhere: true }, { ended: 2, next: "/done" }, ["DELETE sessions?keep=current", "POST logout"], ["/done"]],
]) {
  test("a sign-out leads " + name, async (t) => {
    const { b, client } = await opened(t);
    b.api = () => Response.json(answer);
    b.asked.length = 0;
    await client.signOut(options);
    assert.deepEqual(b.asked.map((a) => a.replace(b.base, "")), asked);
    assert.deepEqual(b.went, went);
  });
}

test("a sign-out that the gateway did not carry out signs nobody out", async (t) => {
  const { b, client, heard } = await opened(t);
  b.api = () => problem(503, "store_unavailable");
  await assert.rejects(client.signOut(), { name: "SessionError", status: 503, code: "store_unavailable" });
  assert.deepEqual([heard, client.getSnapshot().status, b.went], [[], "authenticated", []]);
});

test("the deadline is a reason to look: other tabs may have used the session, and offline nothing ends", async (t) => {
  const { b, client, heard } = await opened(t);
  await pass(3602); // another tab has moved the deadline
  assert.deepEqual([b.looks, client.getSnapshot().status], [2, "authenticated"]);
  b.session = () => { throw new TypeError("fetch failed"); };
  await pass(3602);
  assert.deepEqual([client.getSnapshot().status, client.getSnapshot().stale, heard], ["authenticated", true, []]);
  b.session = nobody("idle");
  await pass(31);
  assert.deepEqual(heard, [["ended", { reason: "idle" }]]);
});

test("a deadline that no timer reaches is met in steps", async (t) => {
  const b = browser(t);
  b.session = signedIn(ada, "s1", { expires_in: 90 * 86400, idle_expires_in: 60 * 86400 });
  b.tab().watch();
  await settle();
  await pass(24 * 86400);
  assert.equal(b.looks, 1);
  await pass(86400);
  assert.equal(b.looks, 2);
});

test("what the stream says reaches every tab once, with one stream for all", async (t) => {
  const { b, heard } = await opened(t), other = b.tab().watch();
  await settle();
  assert.deepEqual(b.streams.map((s) => s.url), [`https://app.test${b.base}events`]);
  const says = [["refreshed", { access_expires_in: 300 }], ["expiring", { expires_in: 60 }], ["sessions_changed", {}]];
  for (const [type, detail] of says) b.streams[0].say(type, detail);
  await settle();
  assert.deepEqual([heard, other.heard], [says, says]);
});

test("without Web Locks every tab has a stream, and hears once", async (t) => {
  const { b, heard } = await opened(t, { locks: false }), other = b.tab().watch();
  await settle();
  assert.equal(b.streams.length, 2);
  for (const s of b.streams) s.say("sessions_changed", {});
  await settle();
  assert.deepEqual([heard.length, other.heard.length], [1, 1]);
});

test("the tab with the stream goes, the next one takes over", async (t) => {
  const { b, client } = await opened(t);
  b.tab().watch();
  await settle();
  const [first] = b.streams;
  client.close();
  await settle();
  assert.equal(b.streams.length, 1);
  assert.notEqual(b.streams[0], first);
});

test("a stream is open while somebody listens and somebody is signed in, and is the session's own", async (t) => {
  const b = browser(t), { client } = b.tab();
  b.session = signedIn(ada);
  await client.session();
  assert.equal(b.streams.length, 0);
  const stop = client.on("refreshed", () => {});
  await settle();
  assert.equal(b.streams.length, 1);
  stop();
  await settle();
  assert.equal(b.streams.length, 0);
  client.subscribe(() => {});
  const [old] = b.streams;
  b.session = signedIn(ada, "s2");
  await client.session();
  await settle();
  assert.equal(b.streams.length, 1);
  old.say("ended", { reason: "evicted" }); // of the session before
  assert.equal(client.getSnapshot().status, "authenticated");
  b.session = nobody();
  await client.session();
  await settle();
  assert.equal(b.streams.length, 0);
});

test("events: off opens none", async (t) => {
  const b = browser(t);
  b.session = signedIn(ada);
  b.tab({ events: "off" }).watch();
  await settle();
  assert.deepEqual([b.looks, b.streams.length], [1, 0]);
});

test("a refused stream is a reason to look, and is opened again after a while", async (t) => {
  const { b, heard } = await opened(t);
  const refuse = async () => {
    const [s] = b.streams;
    s.close();
    s.dispatchEvent(new Event("error"));
    await settle();
  };
  await refuse();
  assert.deepEqual([b.looks, b.streams.length], [2, 0]);
  await pass(5);
  assert.equal(b.streams.length, 1);
  b.streams[0].dispatchEvent(new Event("error")); // the browser tries again by itself
  await settle();
  assert.equal(b.looks, 2);
  b.session = nobody("evicted");
  await refuse();
  await pass(10);
  assert.deepEqual([heard, b.streams.length], [[["ended", { reason: "evicted" }]], 0]);
});

test("a session that gave way to a new one in this browser has not ended for its user", async (t) => {
  const { b, heard, client } = await opened(t);
  b.streams[0].say("ended", { reason: "replaced" });
  b.api = own("replaced");
  await Promise.all([client.fetch("/api"), client.fetch("/api")]);
  await settle();
  assert.equal(client.getSnapshot().status, "authenticated");
  b.session = signedIn(ada, "s2");
  await pass(1);
  assert.deepEqual([heard, client.getSnapshot().session.id], [[], "s2"]);
  b.session = nobody("replaced"); // but the new cookie never came
  await client.session();
  await pass(1);
  assert.deepEqual(heard, [["ended", { reason: "replaced" }]]);
});

test("tabs: a sign-in in one is one signed_in in the other, and none in a third that opens then", async (t) => {
  const b = browser(t), first = b.tab().watch(), second = b.tab().watch();
  await settle();
  b.session = signedIn(ada);
  const third = b.tab().watch(); // its first look finds the session, as after a redirect
  await settle();
  for (const tab of [first, second]) assert.deepEqual(tab.heard, [["signed_in", { user: ada }]]);
  assert.deepEqual(third.heard, []);
  assert.ok(b.looks <= 7, b.asked.join("\n"));
});

test("tabs: another user in one is user_changed in the other", async (t) => {
  const { b, heard } = await opened(t), other = b.tab().watch();
  await settle();
  b.session = signedIn(bob, "s2");
  await other.client.session();
  await settle();
  assert.deepEqual(heard, [["user_changed", { from: ada, to: bob }]]);
});

test("tabs: what others say is no more than a reason to look", async (t) => {
  const { b, client, heard } = await opened(t), channel = new BroadcastChannel("sessiongate " + b.base);
  for (const message of [
    { type: "ended", detail: { reason: "x" } }, { type: "session", detail: { id: "s9" } }, { type: "session" },
    { type: "user_changed", detail: {} }, { type: "signed_in" }, { type: "" , detail: { status: "anonymous" } }, null, "text", {},
  ]) channel.postMessage(message);
  await settle();
  channel.close();
  assert.deepEqual([heard, client.getSnapshot().status], [[], "authenticated"]);
});

test("tabs: an outage ends nothing in any of them", async (t) => {
  const { b, client, heard } = await opened(t), other = b.tab().watch();
  await settle();
  b.session = () => problem(503, "store_unavailable");
  await client.session().catch(() => {});
  await other.client.session().catch(() => {});
  await pass(90);
  for (const tab of [client, other.client]) assert.deepEqual([tab.getSnapshot().status, tab.getSnapshot().stale], ["authenticated", true]);
  assert.deepEqual([heard, other.heard], [[], []]);
});

test("onEvent alone asks nothing and opens nothing, and is told of an end all the same", async (t) => {
  const b = browser(t), { client, heard } = b.tab();
  await pass(60);
  assert.deepEqual([b.asked, b.streams.length], [[], 0]);
  b.api = own("idle");
  await client.fetch("/api");
  await client.fetch("/api");
  assert.deepEqual(heard, [["ended", { reason: "idle" }]]);
});

test("a request without a cookie, before anybody was asked, says who is signed in and ends nothing", async (t) => {
  const b = browser(t), { client, heard } = b.tab();
  b.api = () => problem(401, "authentication_required");
  await client.fetch("/api");
  assert.deepEqual([client.getSnapshot().status, heard], ["anonymous", []]);
});

test("a late 401 of the session before does not end the new one", async (t) => {
  const { b, client, heard } = await opened(t);
  let late;
  b.api = () => new Promise((resolve) => { late = resolve; });
  const slow = client.fetch("/api");
  await settle();
  b.session = signedIn(ada, "s2");
  await client.session();
  late(problem(401, "session_ended", { reason: "evicted" }));
  assert.equal((await slow).status, 401);
  await settle();
  assert.deepEqual([client.getSnapshot().session.id, heard], ["s2", []]);
});

test("after close nothing is asked, told or kept", async (t) => {
  const { b, client, heard } = await opened(t), other = b.tab().watch();
  await settle();
  client.close();
  b.session = nobody("evicted");
  b.asked.length = 0;
  await b.focus();
  await pass(4000);
  assert.deepEqual(heard, []);
  assert.deepEqual(other.heard, [["ended", { reason: "evicted" }]]);
  assert.equal(b.looks, 1); // the other tab, when it was seen
});
