// For an app that renders pages on a server behind the gateway. The gateway keeps its cookie to itself, and sends the
// user's access token along instead.

/**
 * Reads who a request is for. The claims are NOT verified: the gateway has done that, so only a server that nobody
 * else can reach may rely on them. Without a token, or with one that is no JWT, claims is null.
 * @param {Headers | Record<string, string | string[] | undefined>} headers  of a Request (Fetch), or of Node's own
 * @returns {{ bearer: string | null, claims: Record<string, unknown> | null }}
 */
export function fromRequest(headers) {
  const field = headers instanceof Headers ? headers.get("Authorization") : headers["authorization"] ?? headers["Authorization"];
  const bearer = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(String(field ?? "").trim())?.[1] ?? null;
  return { bearer, claims: bearer && claimsOf(bearer) };
}

/** @param {string} token */
function claimsOf(token) {
  const [, payload, signature] = token.split(".");
  if (signature === undefined) return null;
  try {
    const bytes = Uint8Array.from(atob(payload.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof claims === "object" && !Array.isArray(claims) ? claims : null;
  } catch {
    return null; // an opaque token, perhaps
  }
}
