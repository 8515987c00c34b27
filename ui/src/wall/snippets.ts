import { type ServerAddress, webSocketAddress } from '../api/programs';

/** A stream for the wall, from a generated clip of the server's own. In a page or with Node 22. */
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

export function watchSnippet(at: ServerAddress): string {
  return [
    `const ws = new WebSocket("${webSocketAddress(at('/ws/view'))}"); // in a page, or with Node 22`,
    `ws.onmessage = ({ data }) => {`,
    `  const { type, patient_id, data: picture } = JSON.parse(data);`,
    `  console.log(type, patient_id, picture?.frame?.length); // a data URL: <img src={frame}>`,
    `};`,
  ].join('\n');
}

export function pythonWatchSnippet(at: ServerAddress): string {
  return [
    `import json  # pip install websockets`,
    `from websockets.sync.client import connect`,
    `for text in connect("${webSocketAddress(at('/ws/view'))}", max_size=None):`,
    `    event = json.loads(text)`,
    `    print(event["type"], event.get("patient_id"), len(text))`,
  ].join('\n');
}
