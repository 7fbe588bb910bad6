// Who is signed in, for Vue 3.4 and later. See README.md.
import { computed, getCurrentInstance, getCurrentScope, inject, onMounted, onScopeDispose, shallowRef, watch } from "vue";

/** @import { ComputedRef, Plugin, ShallowRef } from "vue" */
/** @import { Client, Device, Events, Snapshot, User } from "./types.d.ts" */

/** @type {import("vue").InjectionKey<Client>} */
const key = Symbol("sessiongate-client");

/**
 * Gives an app its client: `app.use(sessionPlugin, { client })`.
 * @type {Plugin<[{ client: Client }]>}
 */
export const sessionPlugin = {
  install(app, { client }) { app.provide(key, client); },
};

/**
 * The client, for what is no ref: `fetch`, `loginURL`, `refresh`, …
 * @returns {Client}
 */
export function useSessionClient() {
  const client = inject(key, null);
  if (!client) throw new Error("sessiongate-client: no app.use(sessionPlugin, { client }) before this component");
  return client;
}

// Runs start once the component is on the page, never on a server, and what it returns when the component goes.
function whileThere(start) {
  let stop = () => {};
  let gone = false;
  const begin = () => { if (!gone) stop = start(); };
  if (getCurrentInstance()) onMounted(begin);
  else begin();
  if (getCurrentScope()) onScopeDispose(() => { gone = true; stop(); });
}

/** @param {Client} client @returns {ShallowRef<Snapshot>} */
function useSnapshot(client) {
  const snapshot = shallowRef(client.getSnapshot());
  whileThere(() => client.subscribe((now) => { snapshot.value = now; }));
  return snapshot;
}

/**
 * The snapshot as refs, and what changes it. `refetch` asks again who is signed in; it never rejects: `stale` and
 * `error` say that there was no answer.
 * @returns {{
 *   status: ComputedRef<Snapshot["status"]>, user: ComputedRef<Snapshot["user"]>, session: ComputedRef<Snapshot["session"]>,
 *   reason: ComputedRef<Snapshot["reason"]>, stale: ComputedRef<boolean>, error: ComputedRef<unknown>,
 *   signIn: Client["signIn"], signOut: Client["signOut"], refetch: () => Promise<void>,
 * }}
 */
export function useSession() {
  const client = useSessionClient(), snapshot = useSnapshot(client);
  return {
    status: computed(() => snapshot.value.status),
    user: computed(() => snapshot.value.user),
    session: computed(() => snapshot.value.session),
    reason: computed(() => snapshot.value.reason),
    stale: computed(() => Boolean(snapshot.value.stale)),
    error: computed(() => snapshot.value.error),
    signIn: client.signIn,
    signOut: client.signOut,
    refetch: () => client.session().then(() => {}, () => {}),
  };
}

/**
 * Who is signed in: null if nobody is, or if that is not known yet.
 * @returns {ComputedRef<User | null>}
 */
export function useUser() {
  const snapshot = useSnapshot(useSessionClient());
  return computed(() => snapshot.value.user ?? null);
}

/**
 * Calls run at every event of the type while the component is there.
 * @template {keyof Events} T
 * @param {T} type
 * @param {(detail: Events[T]) => void} run
 */
export function useSessionEvent(type, run) {
  const client = useSessionClient();
  whileThere(() => client.on(type, run));
}

/**
 * The user's sessions, newest first; undefined until they are known. The list is asked for again when it has changed.
 * `revoke` and `revokeOthers` reject as those of the client do.
 * @returns {{
 *   sessions: ShallowRef<Device[] | undefined>, error: ShallowRef<unknown>, refetch: () => Promise<void>,
 *   revoke: Client["revoke"], revokeOthers: Client["revokeOthers"],
 * }}
 */
export function useSessions() {
  const client = useSessionClient(), snapshot = useSnapshot(client);
  /** @type {ShallowRef<Device[] | undefined>} */
  const sessions = shallowRef();
  /** @type {ShallowRef<unknown>} */
  const error = shallowRef();
  let latest = 0;
  async function refetch() {
    const number = ++latest;
    if (!client.getSnapshot().session) return;
    try {
      const list = await client.sessions();
      if (number === latest) [sessions.value, error.value] = [list, undefined];
    } catch (fault) {
      if (number === latest) error.value = fault;
    }
  }
  const then = (run) => async (arg) => {
    const done = await run(arg);
    await refetch();
    return done;
  };
  whileThere(() => {
    const stop = watch(() => snapshot.value.session?.id, () => {
      sessions.value = error.value = undefined; // never the list of the session before
      refetch();
    }, { immediate: true, flush: "sync" });
    return () => { stop(); latest++; };
  });
  useSessionEvent("sessions_changed", refetch);
  return { sessions, error, refetch, revoke: then(client.revoke), revokeOthers: then(client.revokeOthers) };
}
