// The demo: a single-page app that is signed in and holds no token. This file is the table of contents; api.js talks
// to the gateway, token.js knows the access token's age, view.js draws, streams.js has the open connections.
import { call, session, logout, loginURL } from "./api.js";
import { draw, knowsToken, learnExpiry, learnToken, reset, secondsLeft } from "./token.js";
import { $, clearNotice, dots, log, loot, notice, show, showAnswer } from "./view.js";
import { closeStreams, wireStreams } from "./streams.js";

let autoTimer = 0;
let lookTimer = 0;
let armed = false;

/** Asks who is signed in and shows the matching half of the page. */
async function start() {
  const doc = await session();
  if (!doc) {
    show("out");
    notice({ title: "The gateway does not answer.", text: "It may be starting.", retry: () => { clearNotice(); start(); } });
    return;
  }
  if (!doc.authenticated) return signedOut(doc.reason);
  $("user").textContent = doc.user.name || doc.user.sub;
  $("roles").textContent = (doc.user.roles || []).join(", ");
  learnExpiry(doc.session.access_expires_in);
  show("in");
}

function signedOut(reason) {
  stopAuto();
  disarm();
  closeStreams();
  reset();
  show("out");
  if (reason && reason !== "logout") notice({ title: "Your session has ended.", text: `Reason: ${reason}.` });
}

/** One call of the API, shown and logged. */
async function run(path) {
  const answer = await call(path);
  showAnswer("GET", path, answer);
  if (answer.problem) return failed(path, answer);
  clearNotice();
  log("ok", [`${answer.status} ${path}`]);
  look(learnToken(answer.body?.token));
}

function failed(path, { status, problem, retryAfter }) {
  log("bad", [`${status || "no answer"} ${path}: ${problem.title}`]);
  const text = [problem.detail, problem.reason && `Reason: ${problem.reason}.`].filter(Boolean).join(" ");
  if (status === 401) {
    stopAuto();
    disarm();
    reset();
    notice({ title: problem.title, text, login: loginURL(problem) });
  } else if (status === 0 || status === 503) {
    stopAuto();
    const wait = retryAfter ? `Try again in ${retryAfter} s.` : "";
    notice({ title: problem.title, text: `${text} ${wait}`, retry: () => run(path) });
  }
}

/** Reads the session document soon, once for all calls of the moment; asks for the fingerprint if it must have changed. */
function look(learned) {
  clearTimeout(lookTimer);
  lookTimer = setTimeout(async () => {
    const doc = await session();
    if (!doc) return;
    if (!doc.authenticated) return signedOut(doc.reason);
    const refreshed = learnExpiry(doc.session.access_expires_in);
    if ((refreshed && !learned) || !knowsToken()) learnToken((await call("/api/echo")).body?.token);
  }, 250);
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
  log(worked === 20 ? "ok" : "bad", [`20 at once: ${result}`]);
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
  const { status, body, problem } = await logout();
  if (status !== 200) return notice({ title: problem?.title || "Not signed out.", text: problem?.detail || "Try again." });
  clearNotice();
  signedOut("logout");
  if (body?.logout_url) location.assign(body.logout_url);
}

for (const button of document.querySelectorAll("[data-call]")) {
  button.onclick = () => run(button.dataset.call);
}
$("auto").onchange = toggleAuto;
$("burst").onclick = burst;
$("burst-expired").onclick = arm;
$("logout").onclick = signOut;
wireStreams();
setInterval(tick, 100);
setInterval(loot, 1000);
loot();
start();
addEventListener("pageshow", (event) => event.persisted && start()); // Back to this page after signing out
