import type { ReactElement, ReactNode } from "react";
import type { Client, Device, Events, Snapshot, User } from "./types.d.ts";
/**
 * Gives its children the client. A page has one of each.
 * @param {{ client: Client, children?: ReactNode }} props
 * @returns {ReactElement}
 */
export declare function SessionProvider({ client, children }: {
    client: Client;
    children?: ReactNode;
}): ReactElement;
/**
 * The client, for what is no hook: `fetch`, `loginURL`, `refresh`, …
 * @returns {Client}
 */
export declare const useSessionClient: () => Client;
/**
 * The snapshot, and what changes it. `refetch` asks again who is signed in; it never rejects: `stale` and `error` say
 * that there was no answer.
 * @returns {Snapshot & { signIn: Client["signIn"], signOut: Client["signOut"], refetch: () => Promise<void> }}
 */
export declare function useSession(): Snapshot & {
    signIn: Client["signIn"];
    signOut: Client["signOut"];
    refetch: () => Promise<void>;
};
/**
 * Who is signed in: null if nobody is, or if that is not known yet.
 * @returns {User | null}
 */
export declare const useUser: () => User | null;
/**
 * Calls run at every event of the type while the component is there. run may be another function at every render.
 * @template {keyof Events} T
 * @param {T} type
 * @param {(detail: Events[T]) => void} run
 */
export declare function useSessionEvent<T extends keyof Events>(type: T, run: (detail: Events[T]) => void): void;
/**
 * The user's sessions, newest first; undefined until they are known. The list is asked for again when it has changed.
 * `revoke` and `revokeOthers` reject as those of the client do.
 * @returns {{
 *   sessions: Device[] | undefined, error: unknown, refetch: () => Promise<void>,
 *   revoke: Client["revoke"], revokeOthers: Client["revokeOthers"],
 * }}
 */
export declare function useSessions(): {
    sessions: Device[] | undefined;
    error: unknown;
    refetch: () => Promise<void>;
    revoke: Client["revoke"];
    revokeOthers: Client["revokeOthers"];
};
/**
 * Its children, while somebody is signed in.
 * @param {{ children?: ReactNode }} props
 * @returns {ReactElement | null}
 */
export declare function SignedIn({ children }: {
    children?: ReactNode;
}): ReactElement | null;
/**
 * Its children, once it is known that nobody is signed in.
 * @param {{ children?: ReactNode }} props
 * @returns {ReactElement | null}
 */
export declare function SignedOut({ children }: {
    children?: ReactNode;
}): ReactElement | null;
/**
 * Its children for a user with one of the roles, or for any user without `roles`; else `fallback`. It hides, and
 * protects nothing: that is for `require:` of a route at the gateway.
 * @param {{ roles?: string[], fallback?: ReactNode | ((snapshot: Snapshot) => ReactNode), children?: ReactNode }} props
 * @returns {ReactElement | null}
 */
export declare function RequireSession({ roles, fallback, children }: {
    roles?: string[];
    fallback?: ReactNode | ((snapshot: Snapshot) => ReactNode);
    children?: ReactNode;
}): ReactElement | null;
