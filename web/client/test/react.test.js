// The React entry, in a browser of its own (happy-dom), against the gateway of testing.js.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "../core.js";
import { mockGateway } from "../testing.js";
import { installed, onServer, page, until } from "./page.js";

const React = installed && await import("react").catch(() => null);
const skip = React ? false : "react is not installed: npm ci in web/client";
const { createElement: h, StrictMode } = React || {};
const hooks = React && await import("../react.js");

/** A page with an app in it. */
async function show(t, { app, gateway = mockGateway(), options = {}, html, strict = true }) {
  const root = page(t, html);
  const { createRoot, hydrateRoot } = await import("react-dom/client");
  const client = createClient({ fetch: gateway, events: "off", ...options });
  const tree = h(hooks.SessionProvider, { client }, h(app));
  const errors = [];
  const rendering = { onRecoverableError: (error) => errors.push(error), onUncaughtError: (error) => errors.push(error) };
  const whole = strict ? h(StrictMode, null, tree) : tree;
  let react;
  if (html === undefined) {
    react = createRoot(root, rendering);
    react.render(whole);
  } else react = hydrateRoot(root, whole, rendering);
  t.after(async () => {
    react.unmount();
    client.close();
    await new Promise(setImmediate);
  });
  return { client, gateway, root, errors, says: (text) => until(() => root.textContent === text, () => root.textContent) };
}

test("who is signed in, in StrictMode", { skip }, async (t) => {
  const app = () => {
    const { status, user, reason, stale } = hooks.useSession(), name = hooks.useUser()?.name;
    return `${status} ${user?.name ?? reason ?? "-"} ${name ?? "-"}${stale ? " stale" : ""}`;
  };
  const { client, gateway, says, root } = await show(t, { app, gateway: mockGateway({ user: { name: "Ada" } }) });
  await says("authenticated Ada Ada");
  gateway.unavailable();
  await client.session().catch(() => {});
  await says("authenticated Ada Ada stale");
  gateway.unavailable(false);
  gateway.end("revoked_by_user");
  await client.session();
  await says("anonymous revoked_by_user -");
  assert.equal(root.textContent, "anonymous revoked_by_user -");
});

test("an unchanged answer renders nothing", { skip }, async (t) => {
  let renders = 0;
  const app = () => { renders++; return hooks.useSession().status; };
  const { client, says } = await show(t, { app, gateway: mockGateway({ user: {} }), strict: false });
  await says("authenticated");
  const before = renders;
  for (let i = 0; i < 5; i++) await client.session();
  assert.equal(renders, before);
});

test("refetch never rejects, and what a session gives can be taken apart", { skip }, async (t) => {
  let session;
  const app = () => (session = hooks.useSession()).status;
  const { gateway, says } = await show(t, { app });
  await says("anonymous");
  const { signIn, signOut, refetch } = session;
  await signIn({ username: "Ada", password: "x" });
  await says("authenticated");
  gateway.offline();
  await refetch();
  await until(() => session.stale);
  assert.equal(session.status, "authenticated");
  gateway.offline(false);
  await signOut({ returnTo: "" });
  await says("anonymous");
});

test("one call for each event, by the latest function, and none after the component", { skip }, async (t) => {
  const calls = [];
  let setN, setShown;
  const Listener = ({ n }) => { hooks.useSessionEvent("signed_in", ({ user }) => calls.push(`${n} ${user.name}`)); return "listens"; };
  const app = () => {
    const [n, set] = React.useState(1), [shown, show] = React.useState(true);
    setN = set;
    setShown = show;
    return [hooks.useSession().status, " ", shown ? h(Listener, { n, key: "l" }) : n];
  };
  const { client, gateway, says } = await show(t, { app });
  await says("anonymous listens");
  gateway.signIn({ name: "Ada" });
  await client.session();
  assert.deepEqual(calls, ["1 Ada"]);
  setN(2);
  await new Promise((done) => setTimeout(done, 20));
  gateway.end();
  await client.session();
  gateway.signIn();
  await client.session();
  assert.deepEqual(calls, ["1 Ada", "2 Ada"]);
  setShown(false);
  await says("authenticated 2");
  gateway.end();
  await client.session();
  gateway.signIn();
  await client.session();
  assert.equal(calls.length, 2);
});

test("what is shown to whom", { skip }, async (t) => {
  const { SignedIn, SignedOut, RequireSession } = hooks;
  const app = () => [
    h(SignedIn, { key: 1 }, "in "), h(SignedOut, { key: 2 }, "out "),
    h(RequireSession, { key: 3 }, "any "),
    h(RequireSession, { key: 4, roles: ["boss", "admin"], fallback: ({ status }) => `no admin: ${status} ` }, "admin "),
    h(RequireSession, { key: 5, roles: [], fallback: "nobody" }, "everybody"),
  ];
  const gateway = mockGateway();
  const { client, says, root } = await show(t, { app, gateway });
  assert.equal(root.textContent, "");
  await says("out no admin: anonymous nobody");
  gateway.signIn({ roles: ["user"] });
  await client.session();
  await says("in any no admin: authenticated nobody");
  gateway.signIn({ roles: ["user", "admin"] });
  await client.session();
  await says("in any admin nobody");
});

test("the user's sessions", { skip }, async (t) => {
  let list;
  const app = () => {
    list = hooks.useSessions();
    return list.error ? "error" : list.sessions?.map((s) => s.id).join() ?? "none";
  };
  const gateway = mockGateway({ user: {} });
  const { client, says } = await show(t, { app, gateway });
  await says("session-1");
  gateway.signIn({ sub: "2" });
  await client.session();
  await says("session-2");
  gateway.unavailable();
  await list.refetch();
  await says("error");
  gateway.unavailable(false);
  await list.refetch();
  await says("session-2");
  assert.equal(await list.revokeOthers(), 0);
  await list.revoke("session-2");
  await says("none");
  await assert.rejects(list.revoke("session-2"), { name: "SessionError", status: 401 });
});

test("on a server, and then in the page", { skip }, async (t) => {
  const { renderToString } = await import("react-dom/server");
  const initial = { authenticated: true, user: { sub: "1", name: "Ada", roles: [], claims: {} },
    session: { id: "session-1", provider: "mock", created_at: "2026-01-01T00:00:00Z", expires_in: 3600, idle_expires_in: 600, access_expires_in: 60 } };
  const app = () => {
    const { user, status } = hooks.useSession();
    return h("p", null, user?.name ?? status);
  };
  for (const [options, html, later] of [[{ initial }, "<p>Ada</p>", "Ada"], [{}, "<p>loading</p>", "Ada"]]) {
    const client = await onServer(() => createClient(options));
    assert.equal(renderToString(h(hooks.SessionProvider, { client }, h(app))), html);
    await t.test(html, async (t) => {
      const { says, errors } = await show(t, { app, html, options, gateway: mockGateway({ user: { name: "Ada" } }) });
      await says(later);
      assert.deepEqual(errors, []);
    });
  }
});

test("outside of a provider", { skip }, async () => {
  const { renderToString } = await import("react-dom/server");
  assert.throws(() => renderToString(h(() => hooks.useUser())), /SessionProvider/);
});
