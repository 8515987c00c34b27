/** Where a stream's pictures are for everything that plays MJPEG. */
export function picturesPath(name: string): string {
  return `/stream?camera=${encodeURIComponent(name)}`;
}

/** The Wall with this stream large. */
export function wallPath(name: string): string {
  return `/wall?one=${encodeURIComponent(name)}`;
}

/** Each picture as it comes, over a WebSocket that mends itself. */
export function javascriptViewerSnippet(server: string, name: string): string {
  const [url, stream] = [server, name].map((text) => JSON.stringify(text));
  return [
    `import { createViewer } from "sightwire/relay";`,
    `const viewer = createViewer({ url: ${url}, streams: [${stream}] });`,
    `viewer.start();`,
    `for await (const { sequence, jpeg } of viewer)`,
    `  console.log(sequence, jpeg.length);`,
  ].join('\n');
}
