import type { ComputedRef, Plugin, ShallowRef } from "vue";
import type { Client, Device, Events, Snapshot, User } from "./types.d.ts";
/**
 * Gives an app its client: `app.use(sessionPlugin, { client })`.
 * @type {Plugin<[{ client: Client }]>}
 */
export declare const sessionPlugin: Plugin<[{
    client: Client;
}]>;
/**
 * The client, for what is no ref: `fetch`, `loginURL`, `refresh`, …
 * @returns {Client}
 */
export declare function useSessionClient(): Client;
/**
 * The snapshot as refs, and what changes it. `refetch` asks again who is signed in; it never rejects: `stale` and
 * `error` say that there was no answer.
 * @returns {{
 *   status: ComputedRef<Snapshot["status"]>, user: ComputedRef<Snapshot["user"]>, session: ComputedRef<Snapshot["session"]>,
 *   reason: ComputedRef<Snapshot["reason"]>, stale: ComputedRef<boolean>, error: ComputedRef<unknown>,
 *   signIn: Client["signIn"], signOut: Client["signOut"], refetch: () => Promise<void>,
 * }}
 */
export declare function useSession(): {
    status: ComputedRef<Snapshot["status"]>;
    user: ComputedRef<Snapshot["user"]>;
    session: ComputedRef<Snapshot["session"]>;
    reason: ComputedRef<Snapshot["reason"]>;
    stale: ComputedRef<boolean>;
    error: ComputedRef<unknown>;
    signIn: Client["signIn"];
    signOut: Client["signOut"];
    refetch: () => Promise<void>;
};
/**
 * Who is signed in: null if nobody is, or if that is not known yet.
 * @returns {ComputedRef<User | null>}
 */
export declare function useUser(): ComputedRef<User | null>;
/**
 * Calls run at every event of the type while the component is there.
 * @template {keyof Events} T
 * @param {T} type
 * @param {(detail: Events[T]) => void} run
 */
export declare function useSessionEvent<T extends keyof Events>(type: T, run: (detail: Events[T]) => void): void;
/**
 * The user's sessions, newest first; undefined until they are known. The list is asked for again when it has changed.
 * `revoke` and `revokeOthers` reject as those of the client do.
 * @returns {{
 *   sessions: ShallowRef<Device[] | undefined>, error: ShallowRef<unknown>, refetch: () => Promise<void>,
 *   revoke: Client["revoke"], revokeOthers: Client["revokeOthers"],
 * }}
 */
export declare function useSessions(): {
    sessions: ShallowRef<Device[] | undefined>;
    error: ShallowRef<unknown>;
    refetch: () => Promise<void>;
    revoke: Client["revoke"];
    revokeOthers: Client["revokeOthers"];
};
