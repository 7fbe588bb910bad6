// The few things an app behind sessiongate does: call with the cookie, read problems, ask who is signed in.
// No token handling appears here, because there is none.
import { createClient } from "/auth/client/core.js";

let hear = {};

const auth = createClient({ fetch: send, onEvent: (type, detail) => hear[type]?.(detail) });

// Only the demo says when an answer brings the browser another session cookie: no script can see it.
async function send(request) {
  const res = await fetch(request);
  if (res.headers.has("X-Demo-Cookie")) hear.cookie?.();
  return res;
}

/** One call. Never throws: a network failure is status 0. Answers {status, ms, body, problem, by, retryAfter}; by is who answered. */
export async function call(path, options = {}) {
  const start = performance.now();
  const took = () => Math.round(performance.now() - start);
  try {
    const res = await auth.fetch(path, { headers: { Accept: "application/json" }, ...options });
    const body = await parse(res);
    return {
      status: res.status,
      ms: took(),
      body,
      problem: res.ok ? null : problemOf(res, body),
      by: res.headers.has("X-Sessiongate-Problem") ? "The gateway" : "The API",
      retryAfter: Number(res.headers.get("Retry-After")) || body?.retry_after || 0,
    };
  } catch {
    return { status: 0, ms: took(), body: null, problem: { title: "No answer", detail: "The gateway could not be reached." }, retryAfter: 2 };
  }
}

async function parse(res) {
  const text = await res.text();
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

// problemOf reads application/problem+json (RFC 9457); another error body still gets a title.
function problemOf(res, body) {
  const isProblem = (res.headers.get("Content-Type") || "").includes("problem+json");
  return isProblem && body && typeof body === "object" ? body : { title: `${res.status} ${res.statusText}`, detail: "" };
}

/** The session document; looking does not keep a session alive. Null when it cannot be had. */
export function session() {
  return auth.session({ touch: false }).catch(() => null);
}

/** Ends the session, and goes to a page of the identity provider if there is one for that. Answers a problem, or null. */
export async function logout() {
  try {
    await auth.signOut({ returnTo: "" });
    return null;
  } catch (error) {
    return error.problem || { title: "Not signed out.", detail: "Try again." };
  }
}

/** Hears the client's events, in every tab, and cookie: runs has a function for each. */
export function listen(runs) {
  hear = runs;
  auth.subscribe(() => {});
}
