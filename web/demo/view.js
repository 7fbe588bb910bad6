// Small drawing helpers. Text goes in as text, never as markup.

export const $ = (id) => document.getElementById(id);

/** Shows the signed-in or the signed-out half of the page. */
export function show(state) {
  document.body.dataset.state = state;
}

/** Adds a line to "What happened": kind is refreshed, cookie, ok or bad; parts are strings and elements. The same again counts up. */
export function log(kind, parts) {
  const text = document.createElement("span");
  text.append(...parts);
  const before = $("log").firstElementChild;
  if (before?.dataset.what === text.textContent) return again(before);
  const li = item([text, stamp()], kind);
  li.dataset.what = text.textContent;
  prepend($("log"), li, 30);
  if (kind === "refreshed") $("log-hint").hidden = true;
}

// Screen readers hear of lines that are new, not of a count.
function again(li) {
  const text = li.firstChild;
  text.dataset.count = Number(text.dataset.count || 1) + 1;
  li.lastChild.replaceWith(stamp());
}

function stamp() {
  const time = document.createElement("time");
  time.textContent = clock(Date.now());
  return time;
}

/** A time of day; ms since 1970. */
export function clock(ms) {
  return new Date(ms).toLocaleTimeString([], { hour12: false });
}

/** Text in the type of a program. */
export function code(text) {
  const el = document.createElement("code");
  el.textContent = text;
  return el;
}

/** Adds a line to the stream panel. */
export function streamLine(from, message) {
  const name = document.createElement("b");
  name.textContent = from;
  prepend($("stream"), item([name, " ", message]), 8);
}

function item(parts, className = "") {
  const li = document.createElement("li");
  li.className = className;
  li.append(...parts);
  return li;
}

function prepend(list, li, max) {
  list.prepend(li);
  while (list.children.length > max) list.lastChild.remove();
}

/** Shows one answer: the line and its body. */
export function showAnswer(method, path, answer) {
  const badge = document.createElement("b");
  badge.className = answer.problem ? "badge bad" : "badge ok";
  badge.textContent = answer.status || "no answer";
  $("answer-line").replaceChildren(badge, ` ${method} ${path} in ${answer.ms} ms`);
  const { body } = answer;
  $("answer-fold").hidden = !body;
  $("answer").textContent = typeof body === "string" ? body : JSON.stringify(body, null, 2);
}

/** Shows a problem, and a button to try again. */
export function notice({ title, text, retry }) {
  $("notice-title").textContent = title;
  $("notice-text").textContent = text;
  $("notice-retry").hidden = !retry;
  $("notice-retry").onclick = retry || null;
  $("notice").hidden = false;
}

export function clearNotice() {
  $("notice").hidden = true;
}

/** Starts the row of dots: one per call, grey until painted. Answers the dots. */
export function dots(n) {
  const all = Array.from({ length: n }, () => document.createElement("li"));
  $("dots").replaceChildren(...all);
  return all;
}

/** Reads everything a script on this page could take, and shows it. */
export function loot() {
  $("loot-cookie").textContent = JSON.stringify(document.cookie);
  $("loot-local").textContent = stored(() => localStorage);
  $("loot-session").textContent = stored(() => sessionStorage);
}

function stored(get) {
  try {
    const n = get().length;
    return n === 0 ? "empty" : `${n} entries`;
  } catch {
    return "not allowed";
  }
}
