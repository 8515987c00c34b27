import type { Detection, Detections } from 'sightwire/api';
import { countByLabel, ObjectTrace } from './objectTrace';
import { at } from '../../base/basePath';

/** A class of the model that has been seen. */
export interface SeenClass {
  label: string;
  /** Its place in the model’s list. */
  index: number;
}

export interface FeedView {
  phase: 'off' | 'opening' | 'live' | 'broken';
  /** What is in the newest analysed picture. */
  objects: readonly Detection[];
  /** Classes in the order in which they were first seen here; it only grows. */
  seen: readonly SeenClass[];
}

const NOTHING: FeedView = { phase: 'off', objects: [], seen: [] };
/** Text that changes more often than this cannot be read. */
const TELL_MS = 400;
const AGAIN_MS = 3000;
const SPAN_MS = 120_000;
const MOST_LABELS = 40;

/**
 * What is found in a camera's pictures, as it is found. Nothing is asked for while the page is
 * hidden. It owns its connection; end it with `stop`.
 */
export class DetectionFeed {
  readonly trace = new ObjectTrace(SPAN_MS);
  private view: FeedView = NOTHING;
  private newest: readonly Detection[] = [];
  private seen: readonly SeenClass[] = [];
  private readonly listeners = new Set<() => void>();
  private path: string | null = null;
  private events: EventSource | null = null;
  private teller: ReturnType<typeof setTimeout> | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;

  readonly snapshot = (): FeedView => this.view;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Hears from this address from now on; null: from none. What is known of the past stays. */
  listen(path: string | null): void {
    if (path === this.path) return;
    if (this.path === null) {
      document.addEventListener('visibilitychange', this.onVisibility);
      window.addEventListener('pagehide', this.onLeave);
    }
    this.path = path;
    if (path === null) this.stop();
    else if (!document.hidden) this.open(path);
  }

  stop(): void {
    this.path = null;
    document.removeEventListener('visibilitychange', this.onVisibility);
    window.removeEventListener('pagehide', this.onLeave);
    this.close();
    this.newest = [];
    this.tell('off');
  }

  private readonly onVisibility = (): void => {
    if (document.hidden) this.close();
    else if (this.path !== null) this.open(this.path);
  };

  private readonly onLeave = (): void => this.close();

  private close(): void {
    clearTimeout(this.retry);
    clearTimeout(this.teller);
    this.teller = undefined;
    this.events?.close();
    this.events = null;
  }

  private open(path: string): void {
    this.close();
    if (this.view.phase !== 'live') this.tell('opening');
    const events = new EventSource(at(path));
    this.events = events;
    events.addEventListener('open', () => this.tell('live'));
    events.addEventListener('detections', (event: MessageEvent<string>) => this.got(event.data));
    events.addEventListener('error', () => {
      this.newest = [];
      this.tell('broken');
      // By itself a browser tries again only after a broken connection, not after a refusal.
      if (events.readyState === EventSource.CLOSED) {
        this.retry = setTimeout(() => this.open(path), AGAIN_MS);
      }
    });
  }

  private got(text: string): void {
    const { detections } = JSON.parse(text) as Detections;
    this.newest = detections;
    this.trace.add(performance.now(), countByLabel(detections));
    const fresh = new Map(detections.map((one) => [one.label, one.class]));
    for (const { label } of this.seen) fresh.delete(label);
    if (fresh.size > 0) {
      const more = [...fresh].map(([label, index]) => ({ label, index }));
      this.seen = [...this.seen, ...more].slice(0, MOST_LABELS);
    }
    this.teller ??= setTimeout(() => {
      this.teller = undefined;
      this.tell('live');
    }, TELL_MS);
  }

  private tell(phase: FeedView['phase']): void {
    this.view = { phase, objects: this.newest, seen: this.seen };
    for (const listener of this.listeners) listener();
  }
}
