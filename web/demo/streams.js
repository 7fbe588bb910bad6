// Server-sent events and a WebSocket, both through the gateway and both with nothing but the cookie.
import { $, streamLine } from "./view.js";

let events = null;
let socket = null;

/** Wires the two buttons and the message form. */
export function wireStreams() {
  $("sse").onclick = () => (events ? closeEvents() : openEvents());
  $("ws").onclick = () => (socket ? socket.close() : openSocket());
  $("ws-form").onsubmit = (event) => {
    event.preventDefault();
    socket?.send($("ws-text").value);
  };
}

/** Closes what is open: the session is over. */
export function closeStreams() {
  closeEvents();
  socket?.close();
  $("stream").replaceChildren();
}

function openEvents() {
  events = new EventSource("/api/stream");
  press("sse", true);
  events.onmessage = (event) => streamLine("event", event.data);
  events.addEventListener("tick", (event) => streamLine("tick", event.data));
  events.onerror = () => {
    streamLine("event", "stream ended");
    closeEvents();
  };
}

function closeEvents() {
  events?.close();
  events = null;
  press("sse", false);
}

function openSocket() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(`${scheme}//${location.host}/api/ws`);
  press("ws", true);
  socket.onopen = () => {
    $("ws-form").hidden = false;
    streamLine("socket", "open");
  };
  socket.onmessage = (event) => streamLine("socket", String(event.data));
  socket.onclose = (event) => {
    // 4401 is how the gateway says that the session behind an open socket has ended.
    streamLine("socket", event.code === 4401 ? "closed: signed out (4401)" : `closed (${event.code})`);
    socket = null;
    $("ws-form").hidden = true;
    press("ws", false);
  };
}

function press(id, on) {
  $(id).setAttribute("aria-pressed", String(on));
}
