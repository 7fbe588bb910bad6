// "What happened", in plain words. Each line is of something that this page was told: by an answer of the gateway or
// the API, or by an event of the client.
import { clock, code, log } from "./view.js";

let cookieTold = 0;

/** The page was opened: who is signed in, and since when. */
export function found({ user, session }) {
  log("ok", [`Signed in as ${user.name || user.sub}, since ${clock(Date.parse(session.created_at))}.`]);
}

/** One call was answered. */
export function called(path, { status, problem, by, body }) {
  const sent = `This page called ${path} with the cookie only. `;
  if (!status) return log("bad", [sent, "No answer came."]);
  if (problem) return log("bad", [sent, `${by} answered ${status}: ${problem.title}.`.replace(/\.\.$/, ".")]);
  const seen = body?.token?.fingerprint;
  log("ok", seen ? [sent, "The gateway added token ", code(seen), `, the API answered ${status}.`] : [sent, `${by} answered ${status}.`]);
}

/** The API has seen another token than before; both are {fingerprint, exp}. */
export function refreshed(before, now) {
  const ran = before.exp * 1000 > Date.now() ? "until" : "expired";
  log("refreshed", [
    "The gateway refreshed the token: ", code(before.fingerprint), ` (${ran} ${clock(before.exp * 1000)}) became `,
    code(now.fingerprint), ` (until ${clock(now.exp * 1000)}).`,
  ]);
}

/** An answer brought a new cookie. All answers of one moment may bring the same, which is one story. */
export function cookie() {
  const again = performance.now() - cookieTold < 2000;
  cookieTold = performance.now();
  if (!again) log("cookie", ["The gateway replaced the session cookie. Soon the old one opens nothing."]);
}

/** Somebody signed in, in another tab. */
export const signedIn = ({ user }) => log("ok", [`Another tab signed in as ${user.name || user.sub}.`]);

/** Another user, by another tab. */
export const changed = ({ from, to }) => log("ok", [`Another tab signed in as ${to.name || to.sub}; ${from.name || from.sub} is signed out.`]);

/** The session will end if nobody uses it. */
export const expiring = ({ expires_in: seconds }) => log("bad", [seconds ? `The session ends in ${seconds} s.` : "The session ends soon."]);

/** The list of sessions is another. */
export const devices = () => log("ok", ["The list of your devices changed: one signed in, or out."]);

const ends = {
  logout: "Signed out in another tab.",
  logout_everywhere: "Signed out everywhere, from another device.",
  replaced: "A new sign-in in this browser took its place.",
  evicted: "You signed in on too many devices, and this was the oldest.",
  revoked_by_user: "Signed out from your list of devices.",
  revoked_by_operator: "An administrator signed you out.",
  session_reused: "An old copy of the cookie was used, as a thief would.",
  idle: "Nobody used it for too long.",
  absolute: "It was as old as a session may get.",
  provider_refused: "The provider refused to refresh the token.",
  back_channel_logout: "You signed out at the provider.",
  user_disabled: "The account was disabled.",
  password_changed: "The password was changed.",
};

/** Why a session ended, as a sentence. */
export const why = (reason) => ends[reason] || (reason ? `Reason: ${reason}.` : "The gateway did not say why.");

/** The session is over; own: this page's button did it. */
export function ended(reason, own) {
  log(own ? "ok" : "bad", [own ? "You signed out. The session is gone, and its tokens too." : `The session ended. ${why(reason)}`]);
}
