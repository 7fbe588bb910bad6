// The demo: a single-page app that is signed in and holds no token. This file is the table of contents; api.js talks
// to the gateway, story.js tells what happened, token.js knows the access token's age, view.js draws, streams.js has
// the open connections.
import { call, listen, logout, session } from "./api.js";
import * as story from "./story.js";
import { draw, knowsToken, learnExpiry, learnToken, reset, secondsLeft } from "./token.js";
import { $, clearNotice, dots, log, loot, notice, show, showAnswer } from "./view.js";
import { closeStreams, wireStreams } from "./streams.js";

const wide = matchMedia("(min-width: 42.01rem)");
let autoTimer = 0;
let lookTimer = 0;
let armed = false;
let leaving = false; // by this page's own button

/** Asks who is signed in and shows the matching half of the page. */
async function start() {
  const doc = await session();
  if (!doc) {
    show("out");
    notice({ title: "The gateway does not answer.", text: "It may be starting.", retry: () => { clearNotice(); start(); } });
    return;
  }
  if (!doc.authenticated) return signedOut(doc.reason);
  clearNotice();
  welcome(doc);
  learnExpiry(doc.session.access_expires_in);
  story.found(doc);
}

function welcome(doc) {
  $("user").textContent = doc.user.name || doc.user.sub;
  $("roles").textContent = (doc.user.roles || []).join(", ");
  show("in");
}

function signedOut(reason) {
  stopAuto();
  disarm();
  closeStreams();
  reset();
  show("out");
  if (reason && !leaving && reason !== "logout") notice({ title: "Your session has ended.", text: story.why(reason) });
}

/** What the gateway says by itself, in every tab. */
const hear = {
  signed_in: (event) => { story.signedIn(event); clearNotice(); look(); },
  user_changed: (event) => { reset(); $("log").replaceChildren(); story.changed(event); look(); },
  ended: ({ reason }) => { story.ended(reason, leaving); signedOut(reason); },
  expiring: story.expiring,
  sessions_changed: story.devices,
  refreshed: () => look(),
  cookie: story.cookie,
};

/** One call of the API, shown and logged. */
async function run(path) {
  const answer = await call(path);
  showAnswer("GET", path, answer);
  const learned = learnToken(answer.body?.token);
  story.called(path, answer);
  if (answer.problem) return failed(path, answer);
  clearNotice();
  look(learned);
}

// A 401 of the gateway is the end of the session, which the client tells in an event.
function failed(path, { status, problem, retryAfter }) {
  if (status !== 0 && status !== 503) return;
  stopAuto();
  const wait = retryAfter ? `Try again in ${retryAfter} s.` : "";
  notice({ title: problem.title, text: `${problem.detail} ${wait}`, retry: () => run(path) });
}

/** Reads the session document soon, once for all calls of the moment; asks for the fingerprint if it must have changed. */
function look(learned) {
  clearTimeout(lookTimer);
  lookTimer = setTimeout(async () => {
    const doc = await session();
    if (!doc?.authenticated) return;
    welcome(doc);
    const refreshed = learnExpiry(doc.session.access_expires_in);
    if ((refreshed && !learned) || !knowsToken()) ask();
  }, 250);
}

/** Asks the API which token it sees. */
async function ask() {
  const answer = await call("/api/echo");
  if (!answer.problem) learnToken(answer.body?.token);
}

function toggleAuto() {
  if (!$("auto").checked) return stopAuto();
  disarm();
  run("/api/echo");
  autoTimer = setInterval(() => run("/api/echo"), 2000);
}

function stopAuto() {
  clearInterval(autoTimer);
  $("auto").checked = false;
}

/** Twenty calls in parallel; says how many worked and how many different tokens the API saw. */
async function burst() {
  disarm();
  $("burst-result").textContent = "";
  const row = dots(20);
  const answers = await Promise.all(row.map((dot, i) => one(dot, i)));
  const worked = answers.filter((a) => a.status === 200).length;
  const tokens = new Map(answers.filter((a) => a.body?.token).map((a) => [a.body.token.fingerprint, a.body.token]));
  const fresh = [...tokens.values()].filter(learnToken).length;
  const result = `${worked} × 200. ${tokensSeen(tokens.size, fresh)}`;
  $("burst-result").textContent = result;
  log(worked === 20 ? "ok" : "bad", [`Twenty calls at once: ${result}`]);
  const bad = answers.find((a) => a.problem);
  if (bad) failed("/api/echo", bad);
  look(fresh > 0);
}

async function one(dot, i) {
  const answer = await call(`/api/echo?n=${i + 1}`);
  dot.className = answer.problem ? "bad" : "ok";
  return answer;
}

function tokensSeen(n, fresh) {
  if (n === 1) return `The API saw one token${fresh ? ", a new one" : ""}.`;
  return `The API saw ${n} tokens, ${fresh} of them new.`;
}

/** Waits for expiry before the burst; calls in between would refresh the token, so they stop. */
function arm() {
  stopAuto();
  armed = true;
  $("burst-expired").disabled = true;
}

function disarm() {
  armed = false;
  $("burst-expired").disabled = false;
  $("burst-expired").textContent = "Fire when it expires";
}

function tick() {
  draw();
  if (!armed) return;
  const left = secondsLeft() + 1; // the session document counts whole seconds, rounded down
  if (left <= 0) return void burst();
  $("burst-expired").textContent = `Fires in ${Math.ceil(left)} s`;
}

async function signOut() {
  leaving = true;
  const problem = await logout();
  leaving = false;
  if (problem) return notice({ title: problem.title, text: problem.detail });
  clearNotice();
  $("sign-in").focus();
}

// A phone shows first what matters.
function unfold() {
  for (const fold of document.querySelectorAll(".fold")) fold.open = wide.matches;
}

for (const button of document.querySelectorAll("[data-call]")) {
  button.onclick = () => run(button.dataset.call);
}
$("auto").onchange = toggleAuto;
$("burst").onclick = burst;
$("burst-expired").onclick = arm;
$("logout").onclick = signOut;
wireStreams();
wide.onchange = unfold;
unfold();
setInterval(tick, 100);
setInterval(loot, 1000);
loot();
start();
listen(hear);
