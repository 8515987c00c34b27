// The administrator's page: how the service, its streams and the board are, and what is detected.

import { address, ask, element, socketAddress } from "./parts.js";

const write = (id, text) => (element(id).textContent = text);

async function refresh() {
  const health = await ask("/health");
  const models = health.models_loaded === true ? "models loaded" : "no models";
  const firebase = health.firebase_connected === true ? "firebase" : "no firebase";
  write("health", [health.service, health.status, models, firebase, health.esp32_url].join(", "));
  const { active_count: count, streams } = await ask("/debug/streams");
  write("active", count);
  const rows = streams.map(({ stream_id: id, is_alive: alive, age_seconds: age }) => {
    const row = document.createElement("li");
    row.textContent = `${id}: ${alive ? "alive" : "dead"} for ${age.toFixed(1)} s`;
    return row;
  });
  element("streams").replaceChildren(...rows);
  const test = await ask("/api/esp32/test");
  write("board", test.connected ? "connected" : "not connected");
  const { success, error, ...state } = await ask("/api/esp32/status");
  write("board-state", success ? JSON.stringify(state) : "");
  write("error", success ? "" : error);
}

async function take() {
  const { success, imageData, error } = await ask("/api/esp32/snapshot");
  if (success) element("snapshot").src = imageData;
  write("error", success ? "" : error);
}

function watchDetections() {
  const query = { camera_id: element("camera").value, user_id: "admin" };
  const socket = new WebSocket(socketAddress("/ws/viewer/detection", query));
  let messages = 0;
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    messages += 1;
    if (message.type === "info") {
      const { message: text, camera_id: camera, viewer_count: viewers } = message;
      write("info", `${messages}: ${text} (${camera}, ${viewers})`);
    } else if (message.type === "frame") {
      element("picture").src = `data:image/jpeg;base64,${message.data}`;
      write("pictures", messages - 1);
      if (typeof message.metadata !== "object" || message.metadata === null) write("error", "no metadata");
    } else if (message.type === "error") {
      write("error", message.message);
    }
  };
}

function watchWorker() {
  const query = { camera_id: element("camera").value, fps: 10 };
  element("picture").src = address("/stream/worker-detection", query);
}

element("refresh").onclick = refresh;
element("take").onclick = take;
element("viewer").onclick = watchDetections;
element("worker").onclick = watchWorker;
element("picture").onerror = () => write("error", "The stream could not be loaded.");
