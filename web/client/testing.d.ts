import type { User } from "./types.d.ts";
export type MockOptions = {
    /**
     * who is signed in; nobody if null or left out
     */
    user?: Partial<User> | null;
    /**
     * as in createClient
     */
    base?: string;
    /**
     * answers what the gateway lets through; 204 if left out
     */
    api?: (request: Request) => Response | Promise<Response>;
};
export type MockControls = {
    /**
     * somebody signs in, as in a popup or in another tab; the same user if left out
     */
    signIn: (user?: Partial<User>) => void;
    /**
     * the session was not used for too long
     */
    expire: () => void;
    /**
     * the session is over, for a reason such as revoked_by_user
     */
    end: (reason?: string) => void;
    /**
     * no request gets through any more; offline(false) ends that
     */
    offline: (on?: boolean) => void;
    /**
     * 503 to everything, as when the session store cannot be reached
     */
    unavailable: (on?: boolean) => void;
    /**
     * the next request has an outdated cookie (401 session_stale)
     */
    stale: () => void;
    /**
     * the API wants a newer sign-in (401 reauthentication_required), until signIn
     */
    stepUp: () => void;
    /**
     * what reached the API, as "POST /api/orders"
     */
    delivered: string[];
};
export type MockGateway = ((request: Request) => Promise<Response>) & MockControls;
/** @import { Client, SessionDocument, User } from "./types.d.ts" */
/**
 * @typedef {object} MockOptions
 * @property {Partial<User> | null} [user]  who is signed in; nobody if null or left out
 * @property {string} [base]  as in createClient
 * @property {(request: Request) => Response | Promise<Response>} [api]  answers what the gateway lets through; 204 if left out
 */
/**
 * @typedef {object} MockControls
 * @property {(user?: Partial<User>) => void} signIn  somebody signs in, as in a popup or in another tab; the same user if left out
 * @property {() => void} expire  the session was not used for too long
 * @property {(reason?: string) => void} end  the session is over, for a reason such as revoked_by_user
 * @property {(on?: boolean) => void} offline  no request gets through any more; offline(false) ends that
 * @property {(on?: boolean) => void} unavailable  503 to everything, as when the session store cannot be reached
 * @property {() => void} stale  the next request has an outdated cookie (401 session_stale)
 * @property {() => void} stepUp  the API wants a newer sign-in (401 reauthentication_required), until signIn
 * @property {string[]} delivered  what reached the API, as "POST /api/orders"
 */
/** @typedef {((request: Request) => Promise<Response>) & MockControls} MockGateway */
/**
 * Makes a gateway.
 * @param {MockOptions} [options]
 * @returns {MockGateway}
 */
export declare function mockGateway({ user, base, api }?: MockOptions): MockGateway;
