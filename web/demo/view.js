// Small drawing helpers. Text goes in as text, never as markup.

export const $ = (id) => document.getElementById(id);

/** Shows the signed-in or the signed-out half of the page. */
export function show(state) {
  document.body.dataset.state = state;
}

/** Adds a line to "What happened": kind is refreshed, ok or bad; parts are strings and elements. The same again counts up. */
export function log(kind, parts) {
  const text = document.createElement("span");
  text.append(...parts);
  const li = item([text, clock()], kind);
  li.dataset.what = text.textContent;
  const before = $("log").firstElementChild;
  const again = before?.dataset.what === li.dataset.what;
  li.dataset.count = again ? Number(before.dataset.count) + 1 : 1;
  if (again) {
    before.remove();
    li.classList.add("again");
    text.append(` × ${li.dataset.count}`);
  }
  prepend($("log"), li, 30);
  $("log-empty").hidden = true;
}

function clock() {
  const time = document.createElement("time");
  time.textContent = new Date().toLocaleTimeString([], { hour12: false });
  return time;
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
  $("answer").hidden = !body;
  $("answer").textContent = typeof body === "string" ? body : JSON.stringify(body, null, 2);
}

/** Shows a problem, with a way on: signing in, or trying again in some seconds. */
export function notice({ title, text, login, retry }) {
  $("notice-title").textContent = title;
  $("notice-text").textContent = text;
  $("notice-link").hidden = !login;
  if (login) $("notice-link").href = login;
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
