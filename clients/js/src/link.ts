import { io, type Socket } from 'socket.io-client';
import { keyOf, serverAddress } from './address.js';
import type {
  DetailedPrediction,
  Prediction,
  SignFrame,
  SignMessage,
  SignModel,
  SignResult,
} from './api.js';
import { type ErrorCode, RecognizerError } from './errors.js';

/** Where the connection to the recogniser stands. */
export type Connection =
  | { state: 'off' }
  | { state: 'connecting' }
  | { state: 'live' }
  /** Lost or not there; Socket.IO tries again by itself. `attempt` counts failed tries. */
  | { state: 'reconnecting'; attempt: number; error: RecognizerError }
  /** Sent away; asks again at `retryAtMs`, or is asking right now (null). */
  | { state: 'waiting'; retryAtMs: number | null; error: RecognizerError };

/** What the server recognises with. */
export type Model = SignModel;

/** Events `prediction` (one for each frame, with its `id`) and `result` (each new result). */
export type Answer = Prediction & Partial<DetailedPrediction> & Pick<SignResult, 'sight'>;

export interface LinkEvents {
  connection: (connection: Connection) => void;
  model: (model: Model) => void;
  prediction: (answer: Answer) => void;
  result: (answer: Answer) => void;
}

interface ServerEvents {
  status: (status: SignMessage) => void;
  error: (error: SignMessage) => void;
  model: (model: SignModel) => void;
  prediction: (answer: Prediction | DetailedPrediction) => void;
  result: (answer: SignResult) => void;
}

interface ClientEvents {
  frame: (frame: Omit<SignFrame, 'image'> & { image: FrameBytes }) => void;
}

/** A JPEG or PNG: its bytes, or its base64. */
export type FrameBytes = ArrayBuffer | ArrayBufferView | string;

/** Where Socket.IO is, from the address of a server, which may lie below a path. */
export function address(url: string | undefined): {
  origin: string;
  path: string;
  key: string | null;
} {
  const parsed = serverAddress(url);
  const { origin, pathname } = parsed;
  return { origin, path: `${pathname.replace(/\/+$/, '')}/socket.io/`, key: keyOf(parsed) };
}

const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 60_000;
const BY_ITSELF = 'Retrying automatically.';

/** How long to wait before asking again after `refused` refusals in a row; `random` is 0 to 1. */
export function retryDelayMs(refused: number, random: number): number {
  const delay = Math.min(FIRST_RETRY_MS * 2 ** refused, LONGEST_RETRY_MS);
  return Math.round(delay * (0.8 + 0.4 * random));
}

/**
 * The connection to the recogniser. Broken connections are Socket.IO's to mend; where the server
 * sent us away, this asks again after a while.
 */
export class Link {
  readonly #socket: Socket<ServerEvents, ClientEvents>;
  readonly #told: (connection: Connection) => void;
  #connection: Connection = { state: 'off' };
  #refused = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string | undefined, extras: boolean, events: LinkEvents) {
    const { origin, path, key } = address(url);
    this.#told = events.connection;
    const socket: Socket<ServerEvents, ClientEvents> = io(origin, {
      path,
      autoConnect: false,
      forceNew: true,
      auth: key === null ? { extras } : { extras, key },
      // A websocket at once where that works; long polling where a proxy is in the way.
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
      timeout: 8000,
      reconnectionDelay: 500,
      reconnectionDelayMax: 10_000,
    });
    this.#socket = socket;
    socket.on('status', () => {
      this.#refused = 0;
      this.#set({ state: 'live' });
    });
    socket.on('model', events.model);
    socket.on('prediction', events.prediction);
    socket.on('result', events.result);
    socket.on('error', ({ message }) => this.#refuse(message));
    socket.on('connect_error', ({ message }) => {
      if (!socket.active) this.#refuse(message);
      else this.#broken('unreachable', 'The server is not responding', message);
    });
    socket.on('disconnect', (reason) => {
      if (!socket.active) this.#refuse(reason);
      else this.#broken('connection-lost', 'The connection was lost', reason);
    });
  }

  get connection(): Connection {
    return this.#connection;
  }

  open(): void {
    const now = this.#connection;
    this.#hangUp();
    // Asking again keeps what is said: the answer is most likely the same.
    this.#set(now.state === 'waiting' ? { ...now, retryAtMs: null } : { state: 'connecting' });
    this.#socket.connect();
  }

  close(): void {
    this.#refused = 0;
    this.#hangUp();
    this.#told(this.#connection);
  }

  /** Whether a frame would leave at once: connected, and nothing waits in the browser to be sent. */
  get ready(): boolean {
    const { connected, io: manager } = this.#socket;
    return (
      this.#connection.state === 'live' && connected && manager.engine.writeBuffer.length === 0
    );
  }

  send(id: number, image: FrameBytes): void {
    this.#socket.emit('frame', { image, id });
  }

  /** Ends everything that is under way. What Socket.IO still says of it goes unheard. */
  #hangUp(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#connection = { state: 'off' };
    this.#socket.disconnect();
  }

  #broken(code: ErrorCode, message: string, cause: string): void {
    const now = this.#connection;
    if (this.#retry !== undefined || now.state === 'off') return;
    const failed = now.state === 'reconnecting' ? now.attempt + 1 : 1;
    const attempt = code === 'unreachable' ? failed : 0;
    const error = new RecognizerError(code, message, BY_ITSELF, cause);
    this.#set({ state: 'reconnecting', attempt, error });
  }

  /** Plans the next try, once: the end of the connection that follows a refusal adds nothing. */
  #refuse(cause: string): void {
    if (this.#retry !== undefined || this.#connection.state === 'off') return;
    const full = /capacity/i.test(cause);
    const error = new RecognizerError(
      full ? 'server-full' : 'sent-away',
      full ? 'The server is full' : 'The server ended the connection',
      BY_ITSELF,
      cause,
    );
    const delayMs = retryDelayMs(this.#refused, Math.random());
    this.#refused += 1;
    this.#retry = setTimeout(() => this.open(), delayMs);
    this.#set({ state: 'waiting', retryAtMs: performance.now() + delayMs, error });
    this.#socket.disconnect();
  }

  #set(connection: Connection): void {
    this.#connection = connection;
    this.#told(connection);
  }
}
