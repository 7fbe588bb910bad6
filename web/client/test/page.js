// A page for the tests of the frameworks: happy-dom's document as the global one, for the whole process.
const { Window } = await import("happy-dom").catch(() => ({}));

/** Whether there is a document: `npm ci` in web/client installs it. */
export const installed = Boolean(Window);

const set = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
const window = Window && new Window({ url: "https://app.test/page" });
// What React, Vue and the client look for.
const names = ["document", "navigator", "location", "Node", "Element", "HTMLElement", "HTMLIFrameElement", "SVGElement"];
if (window) for (const name of names) set(name, window[name]);
if (window) set("window", window);

/** A root for an app. @param {import("node:test").TestContext} t @param {string} [html]  as a server has rendered it */
export function page(t, html = "") {
  const root = window.document.createElement("div");
  root.innerHTML = html;
  window.document.body.append(root);
  t.after(() => root.remove());
  return root;
}

/** Runs what belongs on a server: there is no address there. */
export async function onServer(run) {
  set("location", undefined);
  try {
    return await run();
  } finally {
    set("location", window.location);
  }
}

/** Waits until is() holds, for at most 5 s. */
export async function until(is, what = () => is.toString()) {
  for (const end = performance.now() + 5000; !is();) {
    if (performance.now() > end) throw new Error("not within 5 s: " + what());
    await new Promise((done) => setTimeout(done, 5));
  }
}
