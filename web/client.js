// sessiongate's client for a page without a build step: one client of the gateway that this file comes from.
// `import * as auth from "/auth/client.js"`. What happens is dispatched on window, as sessiongate:ended and so on.
// client/core.js is the library itself, and client/README.md tells how to use it.
import { createClient, SessionError } from "./client/core.js";

const client = createClient({
  base: new URL("./", import.meta.url),
  onEvent: (type, detail) => globalThis.dispatchEvent?.(new CustomEvent("sessiongate:" + type, { detail })),
});

export { SessionError };
export const { session, fetch, loginURL, signOut: logout } = client;

/** Goes to the login page and comes back here. @param {Parameters<typeof loginURL>[0]} [options] */
export const login = (options) => location.assign(loginURL(options));

/** Listens to the gateway's event stream from now on. Listening does not keep the session alive. Returns what stops it. */
export const subscribe = () => client.subscribe(() => {});

// The Back button may bring a page back with the data of whoever was signed in then: it is loaded anew unless that is
// today's session.
globalThis.addEventListener?.("pageshow", async (event) => {
  if (!(/** @type {PageTransitionEvent} */ (event).persisted)) return;
  const { status, session: before } = client.getSnapshot();
  const doc = await session().catch(() => null); // who cannot be asked has not changed
  if (doc && (status === "loading" || doc.session?.id !== before?.id)) location.reload();
});
