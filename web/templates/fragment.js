"use strict";
// The fragment of an address stays in the browser, so it gets lost where a sign-in leads through a form or another
// site. This takes it along without telling any server.
(() => {
  const key = "sessiongate fragment";
  const hour = 3600000;

  // keepable answers with what is worth keeping: not much, and no answer of an authorization server.
  function keepable(hash) {
    const fits = typeof hash === "string" && hash.startsWith("#") && hash.length > 1 && hash.length <= 1024;
    return fits && !/[#&?;/!](access_token|id_token|code)=/i.test(hash) ? hash : "";
  }
  const hash = keepable(location.hash);

  // Before a sign-in at another site. The next address is ours, and has no fragment that the other site would see.
  const leave = document.querySelector("a[data-leave]");
  if (leave) {
    try {
      if (hash) sessionStorage.setItem(key, JSON.stringify({ to: leave.dataset.leave, hash, at: Date.now() }));
      else sessionStorage.removeItem(key);
    } catch {
      // No storage: the fragment is lost, the sign-in is not.
    }
    location.replace(leave.href);
    return;
  }

  // After it, on the way to where the sign-in began. An address with a fragment of its own keeps that.
  const arrive = document.querySelector("a[data-arrive]");
  if (arrive) {
    const to = arrive.getAttribute("href");
    let kept = null;
    try {
      kept = JSON.parse(sessionStorage.getItem(key));
      sessionStorage.removeItem(key);
    } catch {
      // No storage, or not what we put there.
    }
    const ours = kept?.to === to && Math.abs(Date.now() - kept.at) <= hour && !to.includes("#");
    location.replace(to + (ours ? keepable(kept.hash) : ""));
    return;
  }

  // On our own pages: redirects pass the fragment on to addresses without one (Fetch §4.4), those after a form too.
  if (!hash) return;
  for (const form of document.querySelectorAll("form[data-fragment]")) {
    form.setAttribute("action", form.getAttribute("action") + hash);
  }
  for (const link of document.querySelectorAll("a[data-fragment]")) {
    if (link.hash) continue;
    if (link.pathname + link.search !== location.pathname + location.search) {
      link.hash = hash;
      continue;
    }
    link.addEventListener("click", (event) => { // with the fragment it would lead nowhere but down this page
      event.preventDefault();
      history.go(0); // this address anew
    });
  }
})();
