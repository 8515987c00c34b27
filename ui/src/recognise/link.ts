import { io, type Socket } from 'socket.io-client';
import {
  type Connection,
  type ConnectionEvent,
  IDLE,
  nextConnection,
  retryDelayMs,
} from './logic/connection';

/** Event `model`: what the server recognises with. */
export interface Model {
  name: string;
  labels: string[];
  window: number;
  threshold: number;
}

/** Events `prediction` (one for each frame, with its `id`) and `result` (each new result). */
export interface Answer {
  label: string;
  score: number;
  id?: number;
  /** The newest frame that the result has seen. */
  seen?: number | null;
  /** Probabilities of all classes, in the order of the model's labels. */
  scores?: number[] | null;
}

export interface LinkEvents {
  connection(connection: Connection): void;
  model(model: Model): void;
  prediction(answer: Answer): void;
  result(answer: Answer): void;
}

interface ServerEvents {
  status: (status: { message: string }) => void;
  error: (error: { message: string }) => void;
  model: (model: Model) => void;
  prediction: (answer: Answer) => void;
  result: (answer: Answer) => void;
}

interface ClientEvents {
  frame: (frame: { image: ArrayBuffer; id: number }) => void;
}

/**
 * The connection to the recogniser (docs: protocol, section 1). Broken connections are Socket.IO's
 * to mend; where the server sent us away, this asks again after a while.
 */
export class Link {
  private readonly socket: Socket<ServerEvents, ClientEvents>;
  private readonly events: LinkEvents;
  private connection: Connection = IDLE;
  private refused = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(events: LinkEvents) {
    this.events = events;
    this.socket = io({
      autoConnect: false,
      forceNew: true,
      auth: { extras: true },
      // A websocket at once where that works; long polling where a proxy is in the way.
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
      timeout: 8000,
      reconnectionDelay: 500,
      reconnectionDelayMax: 10_000,
    });
    this.socket.on('status', () => {
      this.refused = 0;
      this.step({ type: 'ready' });
    });
    this.socket.on('model', (model) => this.events.model(model));
    this.socket.on('prediction', (answer) => this.events.prediction(answer));
    this.socket.on('result', (answer) => this.events.result(answer));
    this.socket.on('error', ({ message }) =>
      this.step({ type: 'refused', message, retryAtMs: this.askAgain() }),
    );
    this.socket.on('connect_error', (error) =>
      this.step({ type: 'failed', cause: error.message, again: this.socket.active }),
    );
    this.socket.on('disconnect', (reason) => {
      if (reason === 'io client disconnect') return;
      const again = this.socket.active;
      const retryAtMs = again ? 0 : this.askAgain();
      this.step({ type: 'lost', reason, again, retryAtMs });
    });
  }

  open(): void {
    clearTimeout(this.retry);
    this.retry = undefined;
    this.step({ type: 'open' });
    // Disconnecting first ends a backoff that is under way.
    this.socket.disconnect().connect();
  }

  close(): void {
    clearTimeout(this.retry);
    this.retry = undefined;
    this.refused = 0;
    this.step({ type: 'close' });
    this.socket.disconnect();
  }

  /** Whether a frame would leave at once: connected, and nothing waits in the browser to be sent. */
  get ready(): boolean {
    return this.connection.state === 'live' && this.socket.connected && this.backlog() === 0;
  }

  send(id: number, image: ArrayBuffer): void {
    this.socket.emit('frame', { image, id });
  }

  /** Packets that Socket.IO holds back because the transport is busy. */
  private backlog(): number {
    const { engine } = this.socket.io;
    return engine.writeBuffer.length;
  }

  /** Plans the next try after a refusal, once; gives its time. */
  private askAgain(): number {
    if (this.retry === undefined) {
      const delayMs = retryDelayMs(this.refused, Math.random());
      this.refused += 1;
      this.retry = setTimeout(() => this.open(), delayMs);
      return performance.now() + delayMs;
    }
    const { connection } = this;
    return 'retryAtMs' in connection ? (connection.retryAtMs ?? 0) : 0;
  }

  private step(event: ConnectionEvent): void {
    const next = nextConnection(this.connection, event);
    if (next === this.connection) return;
    this.connection = next;
    this.events.connection(next);
  }
}
