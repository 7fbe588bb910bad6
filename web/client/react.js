// Who is signed in, for React 18 and later. See README.md.
import {
  Fragment, createContext, createElement, useContext, useEffect, useMemo, useRef, useState, useSyncExternalStore,
} from "react";

/** @import { ReactElement, ReactNode } from "react" */
/** @import { Client, Device, Events, Snapshot, User } from "./types.d.ts" */

const Context = createContext(/** @type {{ client: Client, first: Snapshot } | null} */ (null));

function useProvided() {
  const provided = useContext(Context);
  if (!provided) throw new Error("sessiongate-client: no <SessionProvider> is around this component");
  return provided;
}

/**
 * Gives its children the client. A page has one of each.
 * @param {{ client: Client, children?: ReactNode }} props
 * @returns {ReactElement}
 */
export function SessionProvider({ client, children }) {
  // What a server has rendered is what the page renders first, although an answer may be here already.
  const value = useMemo(() => ({ client, first: client.getSnapshot() }), [client]);
  return createElement(Context.Provider, { value }, children);
}

/**
 * The client, for what is no hook: `fetch`, `loginURL`, `refresh`, …
 * @returns {Client}
 */
export const useSessionClient = () => useProvided().client;

const render = (children) => createElement(Fragment, null, children);

function useSnapshot() {
  const { client, first } = useProvided();
  return useSyncExternalStore(client.subscribe, client.getSnapshot, () => first);
}

/**
 * The snapshot, and what changes it. `refetch` asks again who is signed in; it never rejects: `stale` and `error` say
 * that there was no answer.
 * @returns {Snapshot & { signIn: Client["signIn"], signOut: Client["signOut"], refetch: () => Promise<void> }}
 */
export function useSession() {
  const client = useSessionClient(), snapshot = useSnapshot();
  return useMemo(() => ({
    ...snapshot,
    signIn: client.signIn,
    signOut: client.signOut,
    refetch: () => client.session().then(() => {}, () => {}),
  }), [client, snapshot]);
}

/**
 * Who is signed in: null if nobody is, or if that is not known yet.
 * @returns {User | null}
 */
export const useUser = () => useSnapshot().user ?? null;

/**
 * Calls run at every event of the type while the component is there. run may be another function at every render.
 * @template {keyof Events} T
 * @param {T} type
 * @param {(detail: Events[T]) => void} run
 */
export function useSessionEvent(type, run) {
  const client = useSessionClient(), latest = useRef(run);
  useEffect(() => { latest.current = run; });
  useEffect(() => client.on(type, (detail) => latest.current(detail)), [client, type]);
}

/**
 * The user's sessions, newest first; undefined until they are known. The list is asked for again when it has changed.
 * `revoke` and `revokeOthers` reject as those of the client do.
 * @returns {{
 *   sessions: Device[] | undefined, error: unknown, refetch: () => Promise<void>,
 *   revoke: Client["revoke"], revokeOthers: Client["revokeOthers"],
 * }}
 */
export function useSessions() {
  const client = useSessionClient(), id = useSnapshot().session?.id;
  /** @type {ReturnType<typeof useState<{ id?: string, sessions?: Device[], error?: unknown }>>} */
  const [list, setList] = useState();
  const latest = useRef(0);
  const actions = useMemo(() => {
    async function refetch() {
      const number = ++latest.current;
      const of = client.getSnapshot().session?.id;
      if (!of) return setList(undefined);
      const answer = await client.sessions().then((sessions) => ({ id: of, sessions }), (error) => ({ error }));
      if (number === latest.current) setList((before) => ({ ...before, error: undefined, ...answer }));
    }
    const then = (run) => async (arg) => {
      const done = await run(arg);
      await refetch();
      return done;
    };
    return { refetch, revoke: then(client.revoke), revokeOthers: then(client.revokeOthers) };
  }, [client]);
  useEffect(() => {
    actions.refetch();
    return () => { latest.current++; }; // an answer under way is for nobody
  }, [actions, id]);
  useSessionEvent("sessions_changed", actions.refetch);
  // Never the list of the session before.
  return useMemo(() => ({
    sessions: id && list?.id === id ? list.sessions : undefined, error: id ? list?.error : undefined, ...actions,
  }), [list, id, actions]);
}

/**
 * Its children, while somebody is signed in.
 * @param {{ children?: ReactNode }} props
 * @returns {ReactElement | null}
 */
export function SignedIn({ children }) {
  return useSnapshot().status === "authenticated" ? render(children) : null;
}

/**
 * Its children, once it is known that nobody is signed in.
 * @param {{ children?: ReactNode }} props
 * @returns {ReactElement | null}
 */
export function SignedOut({ children }) {
  return useSnapshot().status === "anonymous" ? render(children) : null;
}

/**
 * Its children for a user with one of the roles, or for any user without `roles`; else `fallback`. It hides, and
 * protects nothing: that is for `require:` of a route at the gateway.
 * @param {{ roles?: string[], fallback?: ReactNode | ((snapshot: Snapshot) => ReactNode), children?: ReactNode }} props
 * @returns {ReactElement | null}
 */
export function RequireSession({ roles, fallback = null, children }) {
  const snapshot = useSnapshot(), { user } = snapshot;
  if (user && (!roles || roles.some((role) => user.roles.includes(role)))) return render(children);
  return render(typeof fallback === "function" ? fallback(snapshot) : fallback);
}
