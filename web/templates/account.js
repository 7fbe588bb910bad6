"use strict";
const list = document.getElementById("devices");
const heading = document.getElementById("title");
const others = document.getElementById("others");
const note = document.getElementById("status");
const changed = document.getElementById("changed");
const words = list.dataset;
const endpoint = list.dataset.endpoint;

function say(text, failed) {
  note.textContent = text;
  note.classList.toggle("error", Boolean(failed));
  note.hidden = false;
}

// What this page does itself comes back as an event too, and needs no reload.
let quietUntil = 0;

// remove answers whether the request was done; a session that has ended meanwhile is shown the login page.
async function remove(path) {
  quietUntil = Infinity;
  try {
    return await attempt(path);
  } finally {
    quietUntil = Date.now() + 2000;
  }
}

async function attempt(path) {
  for (let i = 0; i < 2; i++) {
    try {
      const res = await fetch(path, { method: "DELETE", headers: { Accept: "application/json" } });
      if (res.ok || res.status === 404) return true;
      const problem = await res.json().catch(() => ({}));
      if (problem.code === "session_stale") continue;
      if (res.status === 401) location.reload();
      else say(words.failed, true);
      return false;
    } catch {
      say(words.unreachable, true);
      return false;
    }
  }
  return false;
}

function tidy() {
  if (others) others.hidden = !list.querySelector(".end");
}

for (const button of list.querySelectorAll(".end")) {
  button.addEventListener("click", async (event) => { // in place, without the page that asks
    event.preventDefault();
    const row = button.closest(".device");
    button.disabled = true;
    if (await remove(endpoint + "/" + encodeURIComponent(row.dataset.id))) {
      const name = row.querySelector("strong").textContent;
      row.remove();
      tidy();
      heading.focus(); // the button that had the focus is gone
      say(words.ended.replace("{device}", () => name));
    }
    button.disabled = false;
  });
}

others?.addEventListener("click", async (event) => {
  event.preventDefault();
  others.disabled = true;
  if (await remove(endpoint + "?keep=current")) {
    for (const button of list.querySelectorAll(".end")) button.closest(".device").remove();
    tidy();
    heading.focus();
    say(words.endedOthers);
  }
  others.disabled = false;
});
tidy();

for (const time of document.querySelectorAll("time")) {
  time.title = new Date(time.dateTime).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
}

// What was just done by a form is read first.
document.getElementById("done")?.focus();

// Back may bring the page back as it was, with another user's devices in it.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

// A list that has changed elsewhere is offered, and never put under somebody's pointer: who is about to
// press a button presses the one that they read.
const events = new EventSource(words.events);
events.addEventListener("ended", () => { events.close(); location.reload(); });
events.addEventListener("sessions_changed", () => { if (Date.now() > quietUntil) changed.hidden = false; });
