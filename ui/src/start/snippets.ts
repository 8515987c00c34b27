/** Five lines that work when pasted: they play the server's own generated clip to it. */
export function javascriptSnippet(origin: string): string {
  return [
    `import { io } from "socket.io-client"; // npm install socket.io-client`,
    `const url = "${origin}", sio = io(url);`,
    `sio.on("prediction", ({ label, score }) => console.log(label, score));`,
    `const { frames } = await (await fetch(url + "/api/v1/samples/wave")).json();`,
    `frames.forEach((image, n) => setTimeout(() => sio.emit("frame", { image }), 40 * n));`,
  ].join('\n');
}

export function pythonSnippet(origin: string): string {
  return [
    `import requests, socketio  # pip install "python-socketio[client]"`,
    `url, sio = "${origin}", socketio.Client()`,
    `sio.on("prediction", print); sio.connect(url)`,
    `for image in requests.get(url + "/api/v1/samples/wave").json()["frames"]:`,
    `    sio.emit("frame", {"image": image}); sio.sleep(0.04)`,
  ].join('\n');
}
