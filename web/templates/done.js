"use strict";
// Tells the other tabs of this site that somebody has signed in. They ask for themselves who it is: a message
// proves nothing. The window closes where a browser lets a page do that.
(() => {
  const base = location.pathname.slice(0, location.pathname.lastIndexOf("/") + 1);
  const tabs = new BroadcastChannel("sessiongate " + base);
  tabs.postMessage({ type: "done" });
  tabs.close();
  close();
})();
