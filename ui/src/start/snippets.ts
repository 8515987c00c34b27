import type { ServerAddress } from '../api/programs';

/** Five lines that work when pasted: they play the server's own generated clip to it. */
export function javascriptSnippet(at: ServerAddress): string {
  return [
    `import { io } from "socket.io-client"; // npm install socket.io-client`,
    `const sio = io("${at('')}");`,
    `sio.on("prediction", ({ label, score }) => console.log(label, score));`,
    `const { frames } = await (await fetch("${at('/api/v1/samples/wave')}")).json();`,
    `frames.forEach((image, n) => setTimeout(() => sio.emit("frame", { image }), 40 * n));`,
  ].join('\n');
}

export function pythonSnippet(at: ServerAddress): string {
  return [
    `import requests, socketio  # pip install "python-socketio[client]"`,
    `sio = socketio.Client()`,
    `sio.on("prediction", print); sio.connect("${at('')}")`,
    `for image in requests.get("${at('/api/v1/samples/wave')}").json()["frames"]:`,
    `    sio.emit("frame", {"image": image}); sio.sleep(0.04)`,
  ].join('\n');
}
