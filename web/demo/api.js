// The few things an app behind sessiongate does: call with the cookie, read problems, ask who is signed in.
// No token handling appears here, because there is none.

/** One call. Never throws: a network failure is status 0. Answers {status, ms, body, problem, retryAfter}. */
export async function call(path, options = {}) {
  const first = await send(path, options);
  // The gateway answers session_stale when this tab sent a cookie another tab has just replaced: ask once more.
  return first.problem?.code === "session_stale" ? send(path, options) : first;
}

async function send(path, options) {
  const start = performance.now();
  try {
    const res = await fetch(path, { credentials: "same-origin", headers: { Accept: "application/json" }, ...options });
    const body = await parse(res);
    return {
      status: res.status,
      ms: Math.round(performance.now() - start),
      body,
      problem: res.ok ? null : problemOf(res, body),
      retryAfter: Number(res.headers.get("Retry-After")) || body?.retry_after || 0,
    };
  } catch {
    const title = "No answer";
    return { status: 0, ms: Math.round(performance.now() - start), body: null, problem: { title, detail: "The gateway could not be reached." }, retryAfter: 2 };
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

/** The session document; touch=false, so that looking does not keep a session alive. Null when it cannot be had. */
export async function session() {
  const { status, body } = await call("/auth/session?touch=false");
  return status === 200 && body ? body : null;
}

/** Ends the session. The answer may name a page of the identity provider to go to next. */
export function logout() {
  return call("/auth/logout", { method: "POST" });
}

/** A login link from a problem: followed only if it stays on this origin. */
export function loginURL(problem) {
  const fallback = "/auth/login?return_to=/";
  try {
    const url = new URL(problem?.login_url || fallback, location.origin);
    return url.origin === location.origin ? url.pathname + url.search : fallback;
  } catch {
    return fallback;
  }
}
