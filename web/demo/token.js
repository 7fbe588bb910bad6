// What this page knows about the access token: seconds left (from the session document) and a fingerprint (from the
// API's echo). It draws the ring. It never sees the token.
import { refreshed } from "./story.js";
import { $, clock, code } from "./view.js";

const state = { expiresAt: null, lifetime: 1, token: null, seen: new Set(), refreshes: 0 };

/** Seconds until the access token expires; NaN when unknown. */
export const secondsLeft = () => (state.expiresAt === null ? NaN : (state.expiresAt - performance.now()) / 1000);

/** Whether the API has reported a token yet. */
export const knowsToken = () => state.token !== null;

/** Forgets everything: another user, or none. */
export function reset() {
  Object.assign(state, { expiresAt: null, lifetime: 1, token: null, seen: new Set(), refreshes: 0 });
  $("fingerprint").replaceChildren(code("unknown"));
  $("refreshed").textContent = "0 times";
  $("expires").textContent = "–";
}

/** Takes the session document's access_expires_in; true when it grew, which only a new token explains. */
export function learnExpiry(seconds) {
  if (typeof seconds !== "number") return false;
  const grew = seconds > secondsLeft() + 2;
  if (grew) state.lifetime = seconds;
  state.lifetime = Math.max(state.lifetime, seconds);
  state.expiresAt = performance.now() + seconds * 1000;
  showExpiry(Date.now() + seconds * 1000);
  return grew;
}

// The document counts whole seconds from now; the API says it exactly.
function showExpiry(at) {
  const exact = state.token?.exp * 1000;
  $("expires").textContent = clock(Math.abs(exact - at) < 3000 ? exact : at);
}

/** Takes an echo's token; true when it is one the API had not reported before. */
export function learnToken(token) {
  if (!token?.fingerprint || state.seen.has(token.fingerprint)) return false;
  const before = state.token;
  state.token = token;
  state.seen.add(token.fingerprint);
  showFingerprint(before);
  return true;
}

function showFingerprint(before) {
  const now = code(state.token.fingerprint);
  now.className = "fresh";
  $("fingerprint").replaceChildren(now);
  $("expires").textContent = clock(state.token.exp * 1000);
  if (!before) return;
  state.refreshes++;
  $("refreshed").textContent = state.refreshes === 1 ? "once" : `${state.refreshes} times`;
  refreshed(before, state.token);
}

const phases = {
  none: "No session",
  fresh: "The token is valid.",
  due: "The token is nearly over. The next call refreshes it.",
  expired: "The token has expired, and nobody minds. The next call refreshes it.",
};

// The gateway refreshes inside the last min(max(30 s, 10 %), a quarter) of the lifetime.
function phaseOf(left) {
  if (Number.isNaN(left)) return "none";
  if (left <= 0) return "expired";
  return left < Math.min(Math.max(30, state.lifetime / 10), state.lifetime / 4) ? "due" : "fresh";
}

/** Draws the ring once; call it from a timer. */
export function draw() {
  const left = secondsLeft();
  const phase = phaseOf(left);
  $("left").textContent = phase === "none" ? "–" : Math.max(0, Math.ceil(left));
  $("arc").style.strokeDashoffset = phase === "none" ? 1 : 1 - Math.max(0, Math.min(1, left / state.lifetime));
  if ($("ring").dataset.phase === phase) return;
  $("ring").dataset.phase = phase;
  $("phase").textContent = phases[phase];
}
