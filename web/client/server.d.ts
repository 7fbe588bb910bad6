/**
 * Reads who a request is for. The claims are NOT verified: the gateway has done that, so only a server that nobody
 * else can reach may rely on them. Without a token, or with one that is no JWT, claims is null.
 * @param {Headers | Record<string, string | string[] | undefined>} headers  of a Request (Fetch), or of Node's own
 * @returns {{ bearer: string | null, claims: Record<string, unknown> | null }}
 */
export declare function fromRequest(headers: Headers | Record<string, string | string[] | undefined>): {
    bearer: string | null;
    claims: Record<string, unknown> | null;
};
