// The hook of the guide without React: connects, waits for `status`, and then sends what it sees 25 times a second.

import { io } from "/socket.io.js";

const FPS = 25;
const element = (id) => document.getElementById(id);
const write = (id, text) => (element(id).textContent = text);
const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });

let socket;
let timer;
let sent = 0;
let answered = 0;

/** The camera's picture, or where there is none one that is another each time. */
function picture() {
  const context = canvas.getContext("2d");
  if (element("camera").checked) {
    context.drawImage(element("video"), 0, 0, canvas.width, canvas.height);
  } else {
    context.fillStyle = `hsl(${(sent * 7) % 360} 80% 50%)`;
    context.fillRect(0, 0, canvas.width, canvas.height);
  }
  return canvas.toDataURL(element("type").value, 0.8);
}

function send() {
  socket.emit("frame", { image: picture() });
  sent += 1;
  write("sent", sent);
}

function pause() {
  clearInterval(timer);
}

async function connect() {
  if (element("camera").checked) {
    element("video").srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
    await element("video").play();
  }
  const transports = element("transports").value;
  const options = {
    ...(transports && { transports: [transports] }),
    ...(element("credentials").checked && { withCredentials: true }),
  };
  socket = io(globalThis.API_URL, options);
  const via = [];
  const tell = ({ name }) => {
    via.push(name);
    write("transport", via.join(", then "));
  };
  // The upgrade may be over before the page is told that it is connected.
  socket.io.on("open", () => {
    via.length = 0;
    tell(socket.io.engine.transport);
    socket.io.engine.on("upgrade", tell);
  });
  socket.on("connect", () => write("state", "Connected"));
  socket.on("status", ({ message }) => {
    write("state", message);
    pause();
    if (message === "ready") timer = setInterval(send, 1000 / FPS);
  });
  socket.on("prediction", ({ label, score }) => {
    write("label", label);
    write("score", score.toFixed(2));
    answered += 1;
    write("answered", answered);
  });
  socket.on("error", ({ message }) => write("error", message));
  socket.on("connect_error", ({ message }) => write("error", message));
  socket.on("disconnect", () => {
    pause();
    write("state", "Disconnected");
  });
}

element("connect").onclick = connect;
element("pause").onclick = pause;
element("leave").onclick = () => socket.disconnect();
