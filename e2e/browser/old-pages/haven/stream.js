// The page that sends: a canvas, 30 times a second, as text.

const FPS = 30;
const { API_URL } = globalThis;
const element = (id) => document.getElementById(id);
const write = (id, text) => (element(id).textContent = text);

/** What a sender says first, in each version of the page. */
const FIRST = {
  normal: { analysis_mode: "normal" },
  enhanced: { analysis_mode: "enhanced" },
  conditions: { monitoring_conditions: ["x"] },
};

let patient;
let socket;
let timer;
let sent = 0;

function draw() {
  const canvas = element("camera");
  const { width, height } = canvas;
  const context = canvas.getContext("2d");
  context.fillStyle = element("colour").value;
  context.fillRect(0, 0, width, height);
  context.fillStyle = "white";
  // Something that moves, in another place in each picture.
  context.fillRect((sent * 12) % (width - 60), (sent * 8) % (height - 60), 60, 60);
  return canvas.toDataURL("image/jpeg", 0.7);
}

function send() {
  socket.send(JSON.stringify({ type: "frame", frame: draw() }));
  sent += 1;
  write("sent", sent);
}

function start() {
  write("state", "Connecting");
  write("error", "");
  socket = new WebSocket(`${API_URL.replace(/^http/, "ws")}/ws/stream/${encodeURIComponent(patient)}`);
  socket.onopen = () => socket.send(JSON.stringify(FIRST[element("mode").value]));
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === "connected") {
      write("state", `Streaming ${message.patient_id}`);
      write("answered", message.analysis_mode);
      write("error", message.warning ?? "");
      timer = setInterval(send, 1000 / FPS);
    }
    if (message.type === "error") write("error", message.message);
  };
  socket.onclose = ({ code }) => {
    clearInterval(timer);
    write("state", `Closed (${code})`);
  };
}

async function search() {
  const query = new URLSearchParams({ q: element("query").value });
  const response = await fetch(`${API_URL}/patients/search?${query}`);
  const { patients } = await response.json();
  const rows = patients.map(({ id, name }) => {
    const button = document.createElement("button");
    button.textContent = name;
    button.onclick = () => {
      patient = id;
      element("start").disabled = false;
      write("state", `Ready to stream ${id}`);
    };
    const row = document.createElement("li");
    row.append(button);
    return row;
  });
  element("found").replaceChildren(...rows);
}

element("search").onclick = search;
element("start").onclick = start;
element("stop").onclick = () => socket.close();
draw();
