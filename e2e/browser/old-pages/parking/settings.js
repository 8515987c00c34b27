// Each user's own camera: who it is stands in a header, which an <img> cannot send.

import { address, ask, element, readMjpeg, socketAddress } from "./parts.js";

const CONFIG = "/api/user/esp32-config";
const user = new URLSearchParams(location.search).get("user");
const write = (id, text) => (element(id).textContent = text ?? "");

async function load() {
  const { success, config, message, detail } = await ask(CONFIG, { user });
  if (!success) return write("error", detail);
  write("saved-url", config?.esp32_url);
  write("saved-label", config?.label);
  write("saved-since", config && new Date(config.created_at).toISOString());
  return write("said", config === null ? message : `Camera of ${user}`);
}

async function save() {
  const body = { esp32_url: element("url").value, label: element("label").value };
  const { success, message, detail } = await ask(CONFIG, { user, method: "POST", body });
  write("error", success ? "" : detail);
  if (!success) return;
  await load();
  write("said", message);
}

async function remove() {
  const { success, message, detail } = await ask(CONFIG, { user, method: "DELETE" });
  write("error", success ? "" : detail);
  await load();
  if (success) write("said", message);
}

async function watch() {
  const response = await fetch(address("/stream"), { headers: { "X-User-ID": user } });
  if (!response.ok) return write("error", (await response.json()).detail);
  return readMjpeg(response, (jpeg) => {
    URL.revokeObjectURL(element("picture").src);
    element("picture").src = URL.createObjectURL(new Blob([jpeg], { type: "image/jpeg" }));
  });
}

function watchSocket() {
  const wishes = { conf: 0.25, show_labels: true, fps: 10, skip_frames: 2 };
  const socket = new WebSocket(socketAddress("/ws/stream/detect", { user_id: user, ...wishes }));
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === "frame") element("picture").src = `data:image/jpeg;base64,${message.data}`;
    if (message.type === "error") write("error", message.message);
  };
}

element("save").onclick = save;
element("delete").onclick = remove;
element("watch").onclick = watch;
element("watch-socket").onclick = watchSocket;
await load();
