/** @import { Client, ClientOptions, Problem, Snapshot } from "./types.d.ts" */
import type { Client, ClientOptions, Problem } from "./types.d.ts";
/** What was no success. */
export declare class SessionError extends Error {
    status: number;
    problem: Problem | null;
    code: string;
    /** @param {number} status @param {Problem | null} problem @param {string} [code] */
    constructor(status: number, problem: Problem | null, code?: string);
}
/** Makes a client. A page has one. @param {ClientOptions} [options] @returns {Client} */
export declare function createClient({ base: at, fetch: send, replay, events, refetch, initial, onEvent, }?: ClientOptions): Client;
