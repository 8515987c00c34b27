// What the three pages share.

const { API_URL } = globalThis;

export const element = (id) => document.getElementById(id);

/** An address of the server's. */
export function address(path, query = {}) {
  const text = new URLSearchParams(query).toString();
  return API_URL + path + (text && `?${text}`);
}

/** The same for a WebSocket. */
export const socketAddress = (path, query) => address(path, query).replace(/^http/, "ws");

/** The JSON of an answer, of a refusal too. */
export async function ask(path, { user, method = "GET", body } = {}) {
  const headers = {
    ...(user && { "X-User-ID": user }),
    ...(body && { "Content-Type": "application/json" }),
  };
  const response = await fetch(address(path), { method, headers, body: body && JSON.stringify(body) });
  return response.json();
}

/** Hands on each picture of an MJPEG answer, whose parts all say how long they are. */
export async function readMjpeg(response, show) {
  const reader = response.body.getReader();
  let bytes = new Uint8Array();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const more = new Uint8Array(bytes.length + value.length);
    more.set(bytes);
    more.set(value, bytes.length);
    bytes = more;
    for (;;) {
      const text = new TextDecoder("latin1").decode(bytes.subarray(0, 200));
      const head = /^(?:\r\n)?--frame\r\nContent-Type: image\/jpeg\r\nContent-Length: (\d+)\r\n\r\n/.exec(
        text,
      );
      if (head === null) break;
      const [begin, end] = [head[0].length, head[0].length + Number(head[1])];
      if (bytes.length < end) break;
      show(bytes.slice(begin, end));
      bytes = bytes.slice(end);
    }
  }
}
