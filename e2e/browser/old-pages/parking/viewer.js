// The viewer: an <img> that the server fills, or a WebSocket that says each picture as text.

import { address, element, socketAddress } from "./parts.js";

const AGAIN_MS = 2_000;
const MJPEG = { detect: "/stream/detect", tracking: "/stream/tracking" };
const SOCKETS = { socket: "/ws/stream/detect", raw: "/ws/stream/raw", "older-raw": "/ws/ws/stream/raw" };

let socket;
let timer;
let running = false;

const say = (text) => (element("state").textContent = text);
const complain = (text) => (element("error").textContent = text);

/** What the sliders say, in the order in which the page has always sent it. */
const wishes = () => ({
  conf: element("conf").value,
  show_labels: element("labels").checked,
  fps: element("fps").value,
  skip_frames: element("skip").value,
});

function showMjpeg(path) {
  say("Loading");
  element("picture").src = address(path, { camera_url: element("camera").value, ...wishes() });
}

function connect(mode) {
  say("Connecting");
  const camera = element("camera").value;
  const chosen = mode === "socket" && camera !== "" ? { camera_url: camera } : {};
  const query = { user_id: element("user").value, ...chosen, ...wishes() };
  const mine = new WebSocket(socketAddress(SOCKETS[mode], query));
  let pictures = 0;
  const show = (base64) => {
    element("picture").src = `data:image/jpeg;base64,${base64}`;
    pictures += 1;
    element("pictures").textContent = pictures;
    complain("");
    say("Live");
  };
  mine.onmessage = ({ data }) => {
    if (mode !== "socket" && !data.startsWith("{")) return show(data);
    const message = JSON.parse(data);
    if (message.type === "frame") return show(message.data);
    if (message.type === "error") return complain(message.message);
    if (message.type !== "stats") return undefined;
    const { processed, sent, read, fps, process_time_ms: ms, buffer_size: waiting } = message;
    element("stats").textContent =
      `after ${pictures}: processed ${processed}, sent ${sent}, read ${read}, ` +
      `${fps.toFixed(1)} a second, ${ms.toFixed(1)} ms, ${waiting} waiting`;
  };
  mine.onclose = () => {
    // One that was closed here is not the present one any more.
    if (socket !== mine) return;
    say("Reconnecting");
    timer = setTimeout(() => connect(mode), AGAIN_MS);
  };
  socket = mine;
}

function end() {
  clearTimeout(timer);
  const last = socket;
  socket = undefined;
  last?.close();
}

function begin() {
  end();
  running = true;
  complain("");
  element("stats").textContent = "";
  const mode = element("mode").value;
  if (mode in MJPEG) showMjpeg(MJPEG[mode]);
  else connect(mode);
}

element("picture").onload = () => element("mode").value in MJPEG && running && say("Live");
element("picture").onerror = () => running && complain("The camera's stream could not be loaded.");
element("start").onclick = begin;
element("stop").onclick = () => {
  running = false;
  end();
  element("picture").removeAttribute("src");
  say("Stopped");
};
// Every step of a slider counts, as it does in React.
for (const id of ["conf", "fps", "skip", "labels"]) element(id).oninput = () => running && begin();
