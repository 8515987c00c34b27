/** The part of a WebSocket that is used, played by a test. Put in place with `vi.stubGlobal`. */
export class FakeWebSocket extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  static made: FakeWebSocket[] = [];

  /** The newest one that was made. */
  static get last(): FakeWebSocket {
    const socket = FakeWebSocket.made.at(-1);
    if (socket === undefined) throw new Error('nobody connected');
    return socket;
  }

  binaryType = 'blob';
  protocol = '';
  readyState: number = FakeWebSocket.CONNECTING;
  bufferedAmount = 0;
  /** What the client sent, texts parsed. */
  readonly sent: unknown[] = [];
  /** With what the client closed it. */
  closedWith: { code: number | undefined; reason: string | undefined } | null = null;
  readonly protocols: readonly string[];

  constructor(
    readonly url: string,
    protocols: string | readonly string[] = [],
  ) {
    super();
    this.protocols = typeof protocols === 'string' ? [protocols] : protocols;
    FakeWebSocket.made.push(this);
  }

  send(data: unknown): void {
    if (this.readyState !== FakeWebSocket.OPEN) throw new Error('not open');
    this.sent.push(typeof data === 'string' ? JSON.parse(data) : data);
  }

  close(code?: number, reason?: string): void {
    this.closedWith ??= { code, reason };
    if (this.readyState < FakeWebSocket.CLOSING) this.readyState = FakeWebSocket.CLOSING;
  }

  /** The server takes the client. */
  accept(protocol: string = this.protocols[0] ?? ''): void {
    this.protocol = protocol;
    this.readyState = FakeWebSocket.OPEN;
    this.dispatchEvent(new Event('open'));
  }

  /** A message of the server: binary, a text, or what will be JSON. */
  tell(data: unknown): void {
    const raw = data instanceof ArrayBuffer || typeof data === 'string';
    const event = new MessageEvent('message', { data: raw ? data : JSON.stringify(data) });
    this.dispatchEvent(event);
  }

  /** The connection ends. */
  end(code = 1006, reason = ''): void {
    this.readyState = FakeWebSocket.CLOSED;
    if (code === 1006) this.dispatchEvent(new Event('error'));
    // Node has no CloseEvent yet.
    this.dispatchEvent(
      Object.assign(new Event('close'), { code, reason, wasClean: code !== 1006 }),
    );
  }
}
