"use strict";
const list = document.getElementById("devices");
const heading = document.getElementById("title");
const others = document.getElementById("others");
const note = document.getElementById("status");
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
      else say(problem.detail || "That did not work. Try again shortly.", true);
      return false;
    } catch {
      say("The server could not be reached. Try again shortly.", true);
      return false;
    }
  }
  return false;
}

function tidy() {
  if (others) others.hidden = !list.querySelector(".end");
}

for (const button of list.querySelectorAll(".end")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const row = button.closest(".device");
    button.disabled = true;
    if (await remove(endpoint + "/" + encodeURIComponent(row.dataset.id))) {
      const name = row.querySelector("strong").textContent;
      row.remove();
      tidy();
      heading.focus(); // the button that had the focus is gone
      say(name + " is signed out.");
    }
    button.disabled = false;
  });
}

others?.addEventListener("click", async () => {
  others.disabled = true;
  if (await remove(endpoint + "?keep=current")) {
    for (const button of list.querySelectorAll(".end")) button.closest(".device").remove();
    tidy();
    heading.focus();
    say("All other devices are signed out.");
  }
  others.disabled = false;
});
tidy();

for (const time of document.querySelectorAll("time")) {
  time.textContent = new Date(time.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

// Back may bring the page back as it was, with another user's devices in it.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

// Only a page that somebody looks at is loaded again: loading it counts as using the session.
const events = new EventSource(list.dataset.events);
let changed = false;
function reload() {
  if (document.visibilityState === "visible") location.reload();
  else changed = true;
}
events.addEventListener("ended", () => { events.close(); location.reload(); });
events.addEventListener("sessions_changed", () => { if (Date.now() > quietUntil) reload(); });
document.addEventListener("visibilitychange", () => { if (changed) reload(); });
