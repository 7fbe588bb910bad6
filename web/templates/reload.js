(() => {
  const at = (id) => document.getElementById(id);
  const key = "sessiongate reload";
  let again = false;
  try {
    // Once a minute and no more: where the answer is this page again, cookies do not arrive.
    const last = sessionStorage.getItem(key);
    const now = Date.now();
    if (last === null || Math.abs(now - Number(last)) >= 60000) {
      sessionStorage.setItem(key, String(now));
      again = true;
    }
  } catch {
    // No storage, no way to count: only the person goes on from here.
  }
  if (again) {
    at("wait").hidden = false;
    location.reload(); // keeps the fragment
    return;
  }
  const link = at("signin");
  const here = location.pathname === link.pathname
    ? new URLSearchParams(location.search).get("return_to")
    : location.pathname + location.search;
  if (here) link.search += "&return_to=" + encodeURIComponent(here);
  link.hash = location.hash; // no server is told
  at("again").addEventListener("click", (event) => { // as a link it would lose the fragment
    event.preventDefault();
    location.reload();
  });
  document.title = at("title").textContent = at("title").dataset.again;
  at("next").hidden = false;
})();
