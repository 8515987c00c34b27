// A network that can be slow: passes bytes on to the server at a rate that a test sets.

import { connect, createServer } from "node:net";

import { portOf } from "../../js/harness.mjs";

const TICK_MS = 20;

/** Listens before `server`; `bytesPerSecond` limits what clients send, Infinity at first. */
export async function slowNetwork(server) {
  const network = { bytesPerSecond: Infinity, url: undefined, stop: undefined };
  const sockets = new Set();
  const proxy = createServer((client) => {
    const upstream = connect(server.port, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket
        .on("error", () => {})
        .on("close", () => {
          client.destroy();
          upstream.destroy();
          sockets.delete(socket);
        });
    }
    upstream.pipe(client);
    // Reads no more than may pass, so that the rest waits in the browser as it does before a slow line.
    let credit = 0;
    const pass = () => {
      if (network.bytesPerSecond === Infinity) credit = Infinity;
      else credit = Math.min(credit, 0) + (network.bytesPerSecond * TICK_MS) / 1000;
      for (let chunk; credit > 0 && (chunk = client.read()) !== null; credit -= chunk.length) {
        upstream.write(chunk);
      }
    };
    client.on("readable", () => network.bytesPerSecond === Infinity && pass());
    const timer = setInterval(pass, TICK_MS);
    client.on("close", () => clearInterval(timer));
  });
  const port = await portOf(proxy);
  network.url = `http://127.0.0.1:${port}`;
  network.stop = () => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  };
  return network;
}
