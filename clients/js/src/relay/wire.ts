import { keyOf, serverAddress } from '../address.js';
import { RecognizerError } from '../errors.js';

/** The subprotocol with which pictures go as binary messages. */
export const SUBPROTOCOL = 'sightwire.v1';

const PICTURE = 1;
const HEADER_BYTES = 20;
const MOST_NAME_BYTES = 128;

const utf8 = new TextEncoder();
// Strict: a name that is not UTF-8 would meet another one under the same replacement characters.
const strict = new TextDecoder('utf-8', { fatal: true });

/** One picture of a stream. */
export interface Picture {
  stream: string;
  /** Counts the stream's pictures; a gap is what this viewer missed. */
  sequence: number;
  /** When its last byte came to the server, in `Date.now()` time by the server's clock. */
  capturedAtMs: number;
  jpeg: Uint8Array<ArrayBuffer>;
}

/** The bytes before the JPEG. A streamer gives nothing: the server knows its name, and counts. */
export function pictureHeader({
  stream = '',
  sequence = 0,
  capturedAtMs = 0,
}: Partial<Omit<Picture, 'jpeg'>> = {}): Uint8Array<ArrayBuffer> {
  const name = utf8.encode(stream);
  const header = new Uint8Array(HEADER_BYTES + name.length);
  const view = new DataView(header.buffer);
  view.setUint8(0, PICTURE);
  view.setUint8(1, name.length);
  view.setBigUint64(4, BigInt(sequence));
  view.setBigUint64(12, BigInt(Math.round(capturedAtMs * 1000)));
  header.set(name, HEADER_BYTES);
  return header;
}

/** The whole message. A `Blob` need not be read for it: `new Blob([pictureHeader(), jpeg])`. */
export function encodePicture(
  jpeg: Uint8Array,
  facts: Partial<Omit<Picture, 'jpeg'>> = {},
): Uint8Array<ArrayBuffer> {
  const header = pictureHeader(facts);
  const message = new Uint8Array(header.length + jpeg.length);
  message.set(header);
  message.set(jpeg, header.length);
  return message;
}

/** Null where it is no picture. The JPEG is a view of `message`, not a copy. */
export function decodePicture(message: ArrayBuffer): Picture | null {
  const bytes = new Uint8Array(message);
  const [kind, nameBytes] = bytes;
  if (kind !== PICTURE || nameBytes === undefined) return null;
  const start = HEADER_BYTES + nameBytes;
  if (bytes.length <= start) return null;
  const view = new DataView(message);
  try {
    return {
      stream: strict.decode(bytes.subarray(HEADER_BYTES, start)),
      sequence: Number(view.getBigUint64(4)),
      capturedAtMs: Number(view.getBigUint64(12)) / 1000,
      jpeg: bytes.subarray(start),
    };
  } catch {
    return null;
  }
}

/** Why `stream` cannot be the name of a stream, as a sentence; null where it can. */
export function nameProblem(stream: string): string | null {
  if (stream === '') return 'A stream needs a name.';
  if (utf8.encode(stream).length > MOST_NAME_BYTES) {
    return `A name can have at most ${MOST_NAME_BYTES} bytes; non-English letters take two or more.`;
  }
  // Control characters, halves of characters, and what an address would swallow.
  if (/[\p{Cc}\p{Cs}]/u.test(stream)) return 'A name cannot contain control characters.';
  return stream === '.' || stream === '..' ? 'A name cannot be only dots.' : null;
}

/** Where the pictures of `stream` are sent to. Throws where the address or the name is none. */
export function streamerAddress(url: string | undefined, stream: string): string {
  const problem = nameProblem(stream);
  if (problem !== null) {
    throw new RecognizerError('bad-name', problem, 'Choose another name.', stream);
  }
  return socketAddress(url, `ws/stream/${encodeURIComponent(stream)}`);
}

/**
 * Where pictures are watched: of all streams, or of `streams`, among which `*` stands for all that
 * are sent to the server and the id of a camera opens it. Throws where the address is none.
 */
export function viewerAddress(
  url: string | undefined,
  {
    streams,
    overlays = false,
  }: { streams?: readonly string[] | undefined; overlays?: boolean | undefined },
): string {
  const query = [
    ...(streams === undefined ? [] : [`streams=${streams.map(encodeURIComponent).join(',')}`]),
    ...(overlays ? ['overlays=1'] : []),
  ];
  return socketAddress(url, `ws/view${query.length === 0 ? '' : `?${query.join('&')}`}`);
}

function socketAddress(url: string | undefined, end: string): string {
  const parsed = serverAddress(url);
  const { protocol, host, pathname } = parsed;
  const scheme = protocol === 'https:' || protocol === 'wss:' ? 'wss' : 'ws';
  const key = keyOf(parsed);
  const more = key === null ? '' : `${end.includes('?') ? '&' : '?'}key=${encodeURIComponent(key)}`;
  return `${scheme}://${host}${pathname.replace(/\/+$/, '')}/${end}${more}`;
}
