import type { Model } from '../link.js';
import type { ManagerOptions, SocketOptions } from 'socket.io-client';

type Listener = (payload: never) => void;

/** The part of a Socket.IO socket that is used, played by a test. Put in place with `vi.mock`. */
export class FakeSocket {
  static made: FakeSocket[] = [];

  /** The newest one that was made. */
  static get last(): FakeSocket {
    const socket = FakeSocket.made.at(-1);
    if (socket === undefined) throw new Error('nobody connected');
    return socket;
  }

  readonly io: { engine: { writeBuffer: unknown[] } } = { engine: { writeBuffer: [] } };
  readonly frames: { image: unknown; id: number }[] = [];
  connected = false;
  /** Whether Socket.IO would connect again by itself. */
  active = false;
  tries = 0;
  /** Answers each frame by itself after this long; null: the test does it. */
  roundTripMs: number | null = null;
  #answers: ReturnType<typeof setTimeout>[] = [];
  readonly #listeners = new Map<string, Listener[]>();

  constructor(
    readonly url: string,
    readonly options: Partial<ManagerOptions & SocketOptions>,
  ) {
    FakeSocket.made.push(this);
  }

  on(event: string, listener: Listener): this {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
    return this;
  }

  connect(): this {
    this.active = true;
    this.tries += 1;
    return this;
  }

  disconnect(): this {
    const was = this.connected;
    this.#silence();
    this.active = false;
    this.connected = false;
    if (was) this.tell('disconnect', 'io client disconnect');
    return this;
  }

  emit(event: string, frame: { image: unknown; id: number }): this {
    if (event !== 'frame') throw new Error(`unexpected ${event}`);
    this.frames.push(frame);
    if (this.roundTripMs !== null) {
      const answer = { label: 'none', score: 0, id: frame.id, seen: null, scores: null };
      this.#answers.push(setTimeout(() => this.tell('prediction', answer), this.roundTripMs));
    }
    return this;
  }

  /** An event from the server or from Socket.IO. */
  tell(event: string, payload: unknown): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(payload as never);
  }

  /** The server takes the client. */
  accept(model: unknown = MODEL): void {
    this.connected = true;
    this.tell('status', { message: 'ready' });
    if (model !== null) this.tell('model', model);
  }

  /** The server sends the client away. */
  refuse(message: string): void {
    this.connected = true;
    this.tell('error', { message });
    this.lose('io server disconnect', false);
  }

  lose(reason: string, active: boolean): void {
    if (!this.connected) return;
    this.#silence();
    this.connected = false;
    this.active = active;
    this.tell('disconnect', reason);
  }

  /** Answers that are under way do not arrive any more. */
  #silence(): void {
    this.#answers.forEach(clearTimeout);
    this.#answers = [];
  }
}

export const MODEL: Model = {
  name: 'gestures',
  labels: ['still', 'left', 'right'],
  window: 10,
  threshold: 0.5,
  arming: false,
  width: 224,
  height: 224,
};

export function io(url: string, options: Partial<ManagerOptions & SocketOptions>): FakeSocket {
  return new FakeSocket(url, options);
}
