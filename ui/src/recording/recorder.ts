import type { Result } from '../recognise/results';
import { Recording } from './recording';

/** How often the page hears of a recording's growth: a number that is read, not watched. */
const TELL_MS = 1000;

export interface RecorderView {
  state: 'empty' | 'recording' | 'stopped';
  rows: number;
  /** How long was recorded, without the breaks. */
  lengthMs: number;
  full: boolean;
  /** Everything in it has been saved as a file. */
  saved: boolean;
  /** The file is being written. */
  writing: boolean;
}

const EMPTY: RecorderView = {
  state: 'empty',
  rows: 0,
  lengthMs: 0,
  full: false,
  saved: false,
  writing: false,
};

/** A recording with its buttons: start, stop, go on, save, throw away. */
export class Recorder {
  private view = EMPTY;
  private recording = new Recording();
  private readonly listeners = new Set<() => void>();
  private timer: ReturnType<typeof setInterval> | undefined;
  private sinceMs = 0;
  /** Of the stretches that have ended. */
  private lengthMs = 0;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): RecorderView => this.view;

  /** Begins, or goes on after a stop. */
  start(): void {
    if (this.view.state === 'recording' || this.recording.isFull) return;
    this.sinceMs = performance.now();
    this.timer = setInterval(() => this.tell({}), TELL_MS);
    window.addEventListener('beforeunload', warn);
    this.tell({ state: 'recording', saved: false });
  }

  stop(): void {
    if (this.view.state !== 'recording') return;
    clearInterval(this.timer);
    this.lengthMs += performance.now() - this.sinceMs;
    if (this.recording.rows === 0) this.discard();
    else this.tell({ state: 'stopped' });
  }

  discard(): void {
    clearInterval(this.timer);
    window.removeEventListener('beforeunload', warn);
    this.recording = new Recording();
    this.lengthMs = 0;
    this.view = EMPTY;
    for (const listener of this.listeners) listener();
  }

  take(result: Result): void {
    if (this.view.state === 'recording' && !this.recording.add(result)) this.stop();
  }

  /** For how many more seconds there is room, with a model of so many labels. */
  roomS(labels: number): number {
    return this.recording.roomS(labels);
  }

  /** The whole recording as a CSV file. It is written in pieces, so that the page stays smooth. */
  async file(): Promise<Blob> {
    const { recording } = this;
    this.tell({ writing: true });
    try {
      const pieces: Blob[] = [];
      for (const piece of recording.csv()) {
        pieces.push(new Blob([piece]));
        await new Promise((done) => setTimeout(done, 0));
      }
      return new Blob(pieces, { type: 'text/csv;charset=utf-8' });
    } finally {
      this.tell({ writing: false });
    }
  }

  /** The file has been handed over: leaving the page loses nothing now. */
  markSaved(): void {
    window.removeEventListener('beforeunload', warn);
    this.tell({ saved: true });
  }

  private tell(change: Partial<RecorderView>): void {
    const { rows, isFull } = this.recording;
    const state = change.state ?? this.view.state;
    const running = state === 'recording' ? performance.now() - this.sinceMs : 0;
    this.view = { ...this.view, rows, full: isFull, lengthMs: this.lengthMs + running, ...change };
    for (const listener of this.listeners) listener();
  }
}

function warn(event: BeforeUnloadEvent): void {
  event.preventDefault();
}
