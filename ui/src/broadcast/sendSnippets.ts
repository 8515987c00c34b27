import { type ServerAddress, webSocketAddress } from '../api/programs';

/** A stream from a generated clip of the server's own. In a page or with Node 22. */
export function sendSnippet(at: ServerAddress): string {
  return [
    `const clip = await fetch("${at('/api/v1/samples/wave')}"), { frames } = await clip.json();`,
    `const ws = new WebSocket("${webSocketAddress(at('/ws/stream/try'))}");`,
    `const send = (message) => ws.send(JSON.stringify(message));`,
    `const frame = (n) => send({ type: "frame", frame: frames[n % frames.length] });`,
    `const play = (n) => setTimeout(play, 40, n + 1, frame(n));`,
    `ws.onopen = () => play(0, send({ analysis_mode: "normal" }));`,
  ].join('\n');
}

export function pythonSendSnippet(at: ServerAddress): string {
  return [
    `import json, time, requests  # pip install requests websockets`,
    `from websockets.sync.client import connect`,
    `frames = requests.get("${at('/api/v1/samples/wave')}").json()["frames"]`,
    `with connect("${webSocketAddress(at('/ws/stream/try'))}") as ws:`,
    `    ws.send('{"analysis_mode": "normal"}')`,
    `    for frame in frames * 20:`,
    `        ws.send(json.dumps({"type": "frame", "frame": frame})); time.sleep(0.04)`,
  ].join('\n');
}
