import type { Live as Everything, LiveMessage as Message } from 'sightwire/api';
import { type Courses, NO_COURSES, nextCourses } from './courses';
import { at } from '../base/basePath';
import { mergePatch } from './mergePatch';

/** What is left of `T` where null is left out, at all depths. */
export type WithoutNull<T> = T extends readonly unknown[]
  ? { [At in keyof T]: WithoutNull<T[At]> }
  : T extends object
    ? { [Key in keyof T as null extends T[Key] ? never : Key]: WithoutNull<T[Key]> } & {
        [Key in keyof T as null extends T[Key] ? Key : never]?: WithoutNull<NonNullable<T[Key]>>;
      }
    : T;

/** All that `WS /api/v1/live` tells: in its patches null takes away what was there. */
export type LiveData = WithoutNull<Everything>;
export type LiveStream = LiveData['streams'][string];
export type LiveViewer = LiveData['viewers'][string];

/** Why there is no live connection; words for it are the page's. */
export type Loss = 'unreachable' | 'silent' | 'stopped' | 'broken';

export interface LiveView {
  /** The newest state, however old; null before the first. */
  data: LiveData | null;
  /** When it came, in `performance.now()` time. */
  atMs: number;
  /** `off`: nobody looks. `lost`: there was a connection or an attempt, and another one follows. */
  link: 'off' | 'connecting' | 'open' | 'lost';
  loss: Loss | null;
  /** When the next attempt follows, in `performance.now()` time; null while one is under way. */
  retryAtMs: number | null;
  courses: Courses;
}

/** The server sends something every second. */
const SILENCE_MS = 5000;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 30_000;
/** A connection that lasted so long was a good one: the next attempt follows soon again. */
const GOOD_MS = 5000;
const GOING_AWAY = 1001;

/**
 * All streams, viewers and totals of the server, kept up to date over one WebSocket for as long as
 * somebody looks and the page is visible. After a loss it connects again by itself, and after being
 * hidden it begins with the newest state.
 */
export class Live {
  private current: LiveView = {
    data: null,
    atMs: 0,
    link: 'off',
    loss: null,
    retryAtMs: null,
    courses: NO_COURSES,
  };
  private readonly watchers = new Set<() => void>();
  private socket: WebSocket | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private version: number | null = null;
  private openedAtMs = 0;
  private failures = 0;

  constructor(private readonly path: string) {}

  readonly view = (): LiveView => this.current;

  readonly watch = (changed: () => void): (() => void) => {
    if (this.watchers.size === 0) {
      document.addEventListener('visibilitychange', this.onVisibility);
      window.addEventListener('online', this.retry);
      if (!document.hidden) this.connect();
    }
    this.watchers.add(changed);
    return () => {
      this.watchers.delete(changed);
      if (this.watchers.size > 0) return;
      document.removeEventListener('visibilitychange', this.onVisibility);
      window.removeEventListener('online', this.retry);
      this.rest();
    };
  };

  /** Tries again now instead of at the next turn. */
  readonly retry = (): void => {
    if (this.current.link === 'lost' && this.current.retryAtMs !== null) this.connect();
  };

  private readonly onVisibility = (): void => {
    if (document.hidden) this.rest();
    else this.connect();
  };

  /** Nobody looks. */
  private rest(): void {
    this.failures = 0;
    this.drop();
    this.show({ link: 'off', loss: null, retryAtMs: null });
  }

  private drop(): void {
    clearTimeout(this.timer);
    const { socket } = this;
    this.socket = undefined;
    socket?.close();
  }

  private connect(): void {
    this.drop();
    const { protocol, host } = window.location;
    const scheme = protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${host}${at(this.path)}`);
    this.socket = socket;
    this.version = null;
    this.openedAtMs = performance.now();
    // What was dropped may still speak.
    const own = (run: () => void) => {
      if (this.socket === socket) run();
    };
    socket.onmessage = ({ data }: MessageEvent<unknown>) => own(() => this.receive(data));
    socket.onclose = ({ code }) =>
      own(() => {
        const silence: Loss = this.version === null ? 'unreachable' : 'broken';
        this.lose(code === GOING_AWAY ? 'stopped' : silence);
      });
    this.expectSign('unreachable');
    // While it is tried again and again, the page keeps saying so.
    if (this.current.link !== 'lost') this.show({ link: 'connecting', retryAtMs: null });
    else this.show({ retryAtMs: null });
  }

  private expectSign(loss: Loss): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.lose(loss), SILENCE_MS);
  }

  private receive(text: unknown): void {
    const message = read(text);
    if (message === null || !this.continues(message)) {
      this.lose('broken');
      return;
    }
    const { data: before, courses } = this.current;
    const data = (
      message.type === 'full' ? message.data : mergePatch(before, message.data)
    ) as LiveData;
    this.version = message.version;
    const atMs = performance.now();
    if (atMs - this.openedAtMs >= GOOD_MS) this.failures = 0;
    this.expectSign('silent');
    this.show({
      data,
      atMs,
      link: 'open',
      loss: null,
      retryAtMs: null,
      courses: nextCourses(courses, before, data),
    });
  }

  /** Whether a message can be taken in after those before it. */
  private continues({ type, version }: Message): boolean {
    return type === 'full' || version === (this.version ?? Infinity) + 1;
  }

  private lose(loss: Loss): void {
    this.drop();
    const most = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.failures);
    // Spread, so that not all pages come back in the same moment.
    const waitMs = most * (0.5 + Math.random() / 2);
    this.failures += 1;
    this.timer = setTimeout(() => this.connect(), waitMs);
    this.show({ link: 'lost', loss, retryAtMs: performance.now() + waitMs });
  }

  private show(change: Partial<LiveView>): void {
    this.current = { ...this.current, ...change };
    for (const changed of this.watchers) changed();
  }
}

/** The one connection of this page. */
export const live = new Live('/api/v1/live');

function read(text: unknown): Message | null {
  if (typeof text !== 'string') return null;
  try {
    const message = JSON.parse(text) as { type?: unknown };
    return message.type === 'full' || message.type === 'patch' ? (message as Message) : null;
  } catch {
    return null;
  }
}
