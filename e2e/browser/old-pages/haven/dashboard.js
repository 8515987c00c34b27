// The dashboard: every stream there is, over one WebSocket.

const { API_URL } = globalThis;
const element = (id) => document.getElementById(id);
const write = (id, text) => (element(id).textContent = text);

const names = new Map();
const live = new Set();
/** What was found last in each stream's pictures. */
const overlays = new Map();
let pings = 0;

async function fetched(path) {
  const response = await fetch(API_URL + path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

/** The stream's part of the page, made where there is none yet. */
function tile(id) {
  const known = element(`stream-${id}`);
  if (known) return known;
  const made = document.createElement("article");
  made.id = `stream-${id}`;
  made.innerHTML = `<div style="position: relative">
      <img alt="" style="display: block" /><canvas style="position: absolute; inset: 0"></canvas>
    </div><h2></h2><p class="mode"></p><p class="state">Waiting</p>
    <p>Overlays: <output class="overlays">0</output></p><p class="metrics"></p>`;
  made.querySelector("h2").textContent = names.get(id) ?? id;
  element("streams").append(made);
  return made;
}

function list() {
  write("live", [...live].sort().join(", "));
}

async function begins(id) {
  live.add(id);
  list();
  tile(id).querySelector(".state").textContent = "Live";
  const { stream_details: details, count } = await fetched("/streams/active");
  if (count > 0 && id in details) tile(id).querySelector(".mode").textContent = details[id].analysis_mode;
}

const HANDLERS = {
  viewer_connected({ active_streams: streams, timestamp }) {
    write("state", `Connected since ${new Date(timestamp * 1000).getFullYear()}`);
    for (const id of streams) void begins(id);
  },
  live_frame({ patient_id: id, data }) {
    if (!live.has(id)) void begins(id);
    tile(id).querySelector("img").src = data.frame;
  },
  overlay_data({ patient_id: id, frame_num: number, data }) {
    const counter = tile(id).querySelector(".overlays");
    counter.textContent = Number(counter.textContent) + 1;
    // What is drawn over the picture goes through both lists.
    const points = data.landmarks.map((point) => point).length + data.connections.map((pair) => pair).length;
    const metrics = data.metrics === null ? "none" : Object.keys(data.metrics).length;
    tile(id).querySelector(".metrics").textContent = `frame ${number}: ${points} points, ${metrics} metrics`;
    overlays.set(id, data);
  },
  stream_ended({ patient_id: id, timestamp }) {
    live.delete(id);
    overlays.delete(id);
    list();
    const year = new Date(timestamp * 1000).getFullYear();
    tile(id).querySelector(".state").textContent = `Ended in ${year}`;
  },
  ping(_, socket) {
    socket.send(JSON.stringify({ type: "pong" }));
    write("pings", (pings += 1));
  },
};

const COLOURS = { green: "#00ff00", cyan: "#00ffff", red: "#ff0000", blue: "#0000ff" };

/** What was found last is drawn again and again, however old it is. */
function paint() {
  for (const id of live) {
    const [img, canvas] = ["img", "canvas"].map((name) => tile(id).querySelector(name));
    if (!img.naturalWidth) continue;
    const { naturalWidth: width, naturalHeight: height } = img;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    const { landmarks = [], connections = [], head_pose_axes: axes } = overlays.get(id) ?? {};
    const line = (from, to, colour) => {
      context.strokeStyle = colour;
      context.lineWidth = 2;
      context.beginPath();
      context.moveTo(from.x, from.y);
      context.lineTo(to.x, to.y);
      context.stroke();
    };
    const there = new Map();
    for (const { id: point, x, y } of landmarks) there.set(point, { x: x * width, y: y * height });
    for (const [from, to] of connections) {
      if (there.has(from) && there.has(to)) line(there.get(from), there.get(to), "#ffffff");
    }
    for (const { id: point, color } of landmarks) {
      context.fillStyle = COLOURS[color] ?? COLOURS.green;
      context.beginPath();
      context.arc(there.get(point).x, there.get(point).y, 5, 0, 2 * Math.PI);
      context.fill();
    }
    if (axes) {
      for (const axis of [axes.x_axis, axes.y_axis, axes.z_axis])
        line(axes.origin, axis, COLOURS[axis.color]);
    }
  }
  requestAnimationFrame(paint);
}

/** Without the database's answers there is no dashboard. */
async function start() {
  const [{ patients }, stats, { alerts }, { rooms }] = await Promise.all(
    ["/patients", "/stats", "/alerts", "/rooms"].map(fetched),
  );
  for (const { id, name } of patients) names.set(id, name);
  write("patients", stats.patients);
  write("rooms", rooms.length);
  write("alerts", alerts.map(({ text }) => text).join());
  const socket = new WebSocket(`${API_URL.replace(/^http/, "ws")}/ws/view`);
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    HANDLERS[message.type]?.(message, socket);
  };
  socket.onclose = () => write("state", "Disconnected");
}

requestAnimationFrame(paint);
start().catch((error) => write("error", String(error)));
