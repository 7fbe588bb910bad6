import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, pass, settle } from "./harness.js";
import { fromRequest } from "../server.js";
import { mockGateway } from "../testing.js";

/** A client of the mock, in the browser of the other tests. */
async function opened(t, options, client = {}) {
  const b = browser(t), gateway = mockGateway({ base: b.base, ...options });
  const tab = b.tab({ fetch: gateway, ...client }).watch();
  await settle();
  return { gateway, ...tab };
}

test("the mock: nobody, then a sign-in by the page's form, by another user, wrong", async (t) => {
  const { client, heard } = await opened(t);
  assert.equal(client.getSnapshot().status, "anonymous");
  await assert.rejects(client.signIn({ username: "ada", password: "wrong" }), { code: "invalid_credentials" });
  await client.signIn({ username: "ada", password: "x" });
  await client.signIn({ username: "bob", password: "x" });
  assert.deepEqual(heard.map(([type]) => type), ["signed_in", "user_changed"]);
  assert.equal((await client.sessions()).length, 1);
  await client.signOut({ returnTo: "" });
  assert.equal(client.getSnapshot().status, "anonymous");
});

for (const [how, reason, code] of [["expire", "idle", "session_expired"], ["end", "revoked_by_user", "session_ended"]]) {
  test("the mock: " + how, async (t) => {
    const { gateway, client, heard } = await opened(t, { user: { name: "Ada" } });
    assert.equal(client.getSnapshot().user.name, "Ada");
    gateway[how]();
    const res = await client.fetch("/api");
    assert.equal((await res.json()).code, code);
    assert.deepEqual(heard, [["ended", { reason }]]);
  });
}

test("the mock: offline and unavailable change no status", async (t) => {
  const { gateway, client } = await opened(t, { user: {} });
  for (const how of ["offline", "unavailable"]) {
    gateway[how]();
    await client.session().catch(() => {});
    assert.deepEqual([client.getSnapshot().status, client.getSnapshot().stale], ["authenticated", true]);
    gateway[how](false);
    await pass(31);
    assert.equal(client.getSnapshot().stale, undefined);
  }
});

test("the mock: stale is mended by itself, a step-up and an end by a sign-in, and a POST is delivered once", async (t) => {
  const { gateway, client, heard } = await opened(t, { user: {} , api: async (r) => new Response(await r.text()) }, { replay: true });
  gateway.stale();
  assert.equal((await client.fetch("/api")).status, 200);
  for (const how of ["stepUp", "end"]) {
    gateway[how]();
    const sent = client.fetch("/api/orders", { method: "POST", body: how });
    await settle();
    gateway.signIn();
    await client.session();
    assert.equal(await (await sent).text(), how);
  }
  assert.deepEqual(gateway.delivered, ["GET /api", "POST /api/orders", "POST /api/orders"]);
  assert.deepEqual(heard.map(([type]) => type), ["step_up", "ended", "signed_in"]);
});

const jwt = (payload) => ["e30", Buffer.from(payload).toString("base64url"), "c2ln"].join(".");
for (const [name, headers, bearer, claims] of [
  ["nothing", {}, null, null],
  ["a token", { authorization: "Bearer " + jwt(`{"sub":"1","name":"Zoë ÿ>?"}`) }, jwt(`{"sub":"1","name":"Zoë ÿ>?"}`), { sub: "1", name: "Zoë ÿ>?" }],
  ["Headers", new Headers({ Authorization: "bearer " + jwt(`{"sub":"1"}`) }), jwt(`{"sub":"1"}`), { sub: "1" }],
  ["an opaque token", { authorization: "Bearer abc" }, "abc", null],
  ["an opaque token with dots", { authorization: "Bearer a.b.c" }, "a.b.c", null],
  ["a JWT of something else", { authorization: "Bearer " + jwt("[1]") }, jwt("[1]"), null],
  ["a JWT of null", { authorization: "Bearer " + jwt("null") }, jwt("null"), null],
  ["no UTF-8", { authorization: "Bearer a./w.c" }, "a./w.c", null],
  ["another scheme", { authorization: "Basic YTpi" }, null, null],
  ["two fields", { authorization: ["Bearer a", "Bearer b"] }, null, null],
]) {
  test("fromRequest: " + name, () => assert.deepEqual(fromRequest(headers), { bearer, claims }));
}
