import { SessionError } from "./client/core.js";
export { SessionError };
export declare const session: (options?: {
    touch?: boolean;
}) => Promise<import("./client/types.js").SessionDocument>, fetch: (input: RequestInfo | URL, init?: RequestInit) => Promise<Response>, loginURL: (options?: import("./client/types.js").LoginOptions) => string, logout: (options?: {
    returnTo?: string;
    everywhere?: boolean;
}) => Promise<void>;
/** Goes to the login page and comes back here. @param {Parameters<typeof loginURL>[0]} [options] */
export declare const login: (options?: Parameters<typeof loginURL>[0]) => void;
/** Listens to the gateway's event stream from now on. Listening does not keep the session alive. Returns what stops it. */
export declare const subscribe: () => () => void;
