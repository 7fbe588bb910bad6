import assert from "node:assert/strict";
import { test } from "node:test";
import { ada, browser, nobody, pass, problem, settle, signedIn } from "./harness.js";

test("loginURL: this page, its fragment, and what the login page is asked for", (t) => {
  const b = browser(t), { client } = b.tab();
  const at = (query) => b.base + "login?" + query;
  for (const [options, want] of [
    [undefined, at("return_to=%2Fpage%3Fx%3D1") + "#here"],
    [{ returnTo: "/x?a=1#/b?c#d", provider: "local" }, at("return_to=%2Fx%3Fa%3D1&provider=local") + "#/b?c#d"],
    [{ returnTo: "/x", prompt: "login", maxAge: 0, acrValues: "a b", loginHint: "ada", uiLocales: "de" },
      at("return_to=%2Fx&prompt=login&max_age=0&acr_values=a+b&login_hint=ada&ui_locales=de")],
    [{ returnTo: "/x", url: b.base + "login?max_age=60" }, at("max_age=60&return_to=%2Fx")],
  ]) assert.equal(client.loginURL(options), want);
});

test("a base without a slash at its end has one", (t) => {
  const b = browser(t), { client } = b.tab({ base: b.base.slice(0, -1) });
  assert.equal(client.loginURL({ returnTo: "/" }), b.base + "login?return_to=%2F");
});

test("signIn goes to the login page", async (t) => {
  const b = browser(t), { client } = b.tab();
  await client.signIn({ returnTo: "/x", provider: "corp" });
  assert.deepEqual(b.went, [b.base + "login?return_to=%2Fx&provider=corp"]);
});

test("signIn with a password posts JSON, and is a sign-in in every tab", async (t) => {
  const b = browser(t), { client, heard } = b.tab().watch(), other = b.tab().watch();
  await settle();
  b.api = async (request) => {
    b.sent = [request.method, request.url, request.headers.get("Content-Type"), await request.json()];
    b.session = signedIn(ada);
    return Response.json(b.session);
  };
  const doc = await client.signIn({ username: "ada", password: "x", deviceName: "Ada's", extra: { otp: "123" } });
  await settle();
  assert.equal(doc.user.name, "Ada");
  assert.deepEqual(b.sent, ["POST", `https://app.test${b.base}login`, "application/json", { username: "ada", password: "x", device_name: "Ada's", otp: "123" }]);
  for (const h of [heard, other.heard]) assert.deepEqual(h, [["signed_in", { user: ada }]]);
});

for (const [name, answer, want] of [
  ["a wrong password", () => problem(401, "invalid_credentials"), { code: "invalid_credentials", status: 401 }],
  ["a further step", () => problem(401, "login_step_required", { step: { kind: "totp" } }), { code: "login_step_required", status: 401 }],
  ["too many attempts", () => problem(429, "rate_limited", { headers: { "Retry-After": "3" } }), { code: "rate_limited", status: 429 }],
]) {
  test("signIn with a password: " + name, async (t) => {
    const b = browser(t), { client, heard } = b.tab().watch();
    await settle();
    b.api = answer;
    const error = await client.signIn({ username: "ada", password: "x" }).catch((e) => e);
    assert.deepEqual({ code: error.code, status: error.status }, want);
    assert.equal(error.problem.code, want.code);
    if (want.code === "login_step_required") assert.deepEqual(error.problem.step, { kind: "totp" });
    await pass(20);
    assert.deepEqual([heard, client.getSnapshot().status, b.asked.filter((a) => a.startsWith("POST")).length], [[], "anonymous", 1]);
  });
}

test("an answer from before a sign-in that comes after it does not count", async (t) => {
  const b = browser(t), { client, heard } = b.tab().watch();
  await settle();
  let late;
  b.session = () => new Promise((resolve) => { late = resolve; });
  const slow = client.session();
  await settle();
  b.session = signedIn(ada);
  b.api = () => Response.json(b.session);
  await client.signIn({ username: "ada", password: "x" });
  late(Response.json(nobody()));
  await slow;
  await settle();
  assert.deepEqual([client.getSnapshot().status, heard], ["authenticated", [["signed_in", { user: ada }]]]);
});

test("signIn in a popup resolves when the page behind it says so, and not before", async (t) => {
  const b = browser(t), { client, heard } = b.tab().watch();
  await settle();
  let doc;
  client.signIn({ popup: true, provider: "corp" }).then((d) => { doc = d; });
  assert.deepEqual(b.opened, [`${b.base}login?return_to=%2F${b.base.split("/")[1]}%2Fdone&provider=corp`]);
  b.popupDone(); // somebody else's, perhaps
  await settle();
  assert.equal(doc, undefined);
  b.session = signedIn(ada);
  b.popupDone();
  await settle();
  assert.equal(doc.user.name, "Ada");
  assert.deepEqual(heard, [["signed_in", { user: ada }]]);
});

test("signIn in a popup can be given up, or is blocked", async (t) => {
  const b = browser(t), { client } = b.tab(), abort = new AbortController();
  const waiting = client.signIn({ popup: true, signal: abort.signal });
  abort.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  await assert.rejects(client.signIn({ popup: true, signal: abort.signal }), /enough/);
  assert.equal(b.opened.length, 1);
  globalThis.open = () => null;
  await assert.rejects(client.signIn({ popup: true }), { name: "SessionError", code: "popup_blocked" });
});

test("refresh, sessions, revoke and revokeOthers ask the gateway's endpoints", async (t) => {
  const b = browser(t), { client } = b.tab();
  b.api = (r) => (r.url.includes("refresh") ? Response.json(signedIn(ada)) : r.method === "GET" ? Response.json({ sessions: [{ id: "a" }] })
    : r.url.endsWith("?keep=current") ? Response.json({ ended: 2 }) : new Response(null, { status: 204 }));
  assert.equal((await client.refresh()).user.name, "Ada");
  assert.equal((await client.refresh({ force: true })).user.name, "Ada");
  assert.deepEqual(await client.sessions(), [{ id: "a" }]);
  assert.equal(await client.revoke("a/b"), null);
  assert.equal(await client.revokeOthers(), 2);
  assert.equal((await client.session({ touch: true })).authenticated, false);
  assert.deepEqual(b.asked.map((a) => a.replace(b.base, "")), [
    "POST refresh", "POST refresh?force=true", "GET sessions", "DELETE sessions/a%2Fb", "DELETE sessions?keep=current", "GET session",
  ]);
});
