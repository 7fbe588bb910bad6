// The Vue entry, in a browser of its own (happy-dom), against the gateway of testing.js.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "../core.js";
import { mockGateway } from "../testing.js";
import { installed, onServer, page, until } from "./page.js";

const vue = installed && await import("vue").catch(() => null);
const skip = vue ? false : "vue is not installed: npm ci in web/client";

/** A page with an app in it: setup gives what renders it. */
async function show(t, { setup, gateway = mockGateway(), options = {} }) {
  const root = page(t);
  const Vue = await import("vue"), hooks = await import("../vue.js");
  const client = createClient({ fetch: gateway, events: "off", ...options });
  const app = Vue.createApp({ setup: () => setup(hooks, Vue) });
  app.use(hooks.sessionPlugin, { client });
  app.mount(root);
  let there = true;
  const unmount = () => { if (there) app.unmount(); there = false; };
  t.after(() => { unmount(); client.close(); });
  return { client, gateway, root, unmount, says: (text) => until(() => root.textContent === text, () => root.textContent) };
}

test("who is signed in", { skip }, async (t) => {
  let session, renders = 0;
  const { client, gateway, says } = await show(t, {
    gateway: mockGateway({ user: { name: "Ada" } }),
    setup({ useSession, useUser }) {
      const { status, user, reason, stale } = session = useSession(), who = useUser();
      return () => (renders++, `${status.value} ${user.value?.name ?? reason.value ?? "-"} ${who.value?.name ?? "-"}${stale.value ? " stale" : ""}`);
    },
  });
  await says("authenticated Ada Ada");
  const before = renders;
  await client.session();
  assert.equal(renders, before, "an unchanged answer renders nothing");
  gateway.unavailable();
  await session.refetch();
  await says("authenticated Ada Ada stale");
  gateway.unavailable(false);
  gateway.end("revoked_by_user");
  await session.refetch();
  await says("anonymous revoked_by_user -");
  await session.signIn({ username: "Bob", password: "x" });
  await says("authenticated Bob Bob");
  await session.signOut({ returnTo: "" });
  await says("anonymous logout -");
});

test("one call for each event, and none after the component", { skip }, async (t) => {
  const calls = [];
  const { client, gateway, says, unmount } = await show(t, {
    setup({ useSession, useSessionEvent }) {
      const { status } = useSession();
      useSessionEvent("signed_in", ({ user }) => calls.push(user.name));
      return () => status.value;
    },
  });
  await says("anonymous");
  gateway.signIn({ name: "Ada" });
  await client.session();
  assert.deepEqual(calls, ["Ada"]);
  unmount();
  gateway.end();
  await client.session();
  gateway.signIn();
  await client.session();
  assert.deepEqual(calls, ["Ada"]);
});

test("the user's sessions", { skip }, async (t) => {
  let list;
  const { client, gateway, says } = await show(t, {
    gateway: mockGateway({ user: {} }),
    setup({ useSessions }) {
      list = useSessions();
      return () => (list.error.value ? "error" : list.sessions.value?.map((s) => s.id).join() ?? "none");
    },
  });
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
});

test("on a server it asks nothing and listens to nothing", { skip }, async () => {
  const { createSSRApp } = await import("vue"), { renderToString } = await import("vue/server-renderer");
  const { sessionPlugin, useSession, useSessions } = await import("../vue.js");
  const client = await onServer(() => createClient({ fetch: () => assert.fail("asked") }));
  client.subscribe = client.on = () => assert.fail("listens");
  const app = createSSRApp({ setup: () => { const { status } = useSession(); useSessions(); return () => status.value; } });
  assert.equal(await renderToString(app.use(sessionPlugin, { client })), "loading");
});

test("without the plugin", { skip }, async () => {
  const { createSSRApp } = await import("vue"), { renderToString } = await import("vue/server-renderer");
  const { useUser } = await import("../vue.js");
  const app = createSSRApp({ setup: () => { useUser(); return () => ""; } });
  app.config.warnHandler = () => {};
  await assert.rejects(renderToString(app), /sessionPlugin/);
});
