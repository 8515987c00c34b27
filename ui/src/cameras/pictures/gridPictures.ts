import { snapshotPath } from '../../api/cameras';
import { askPicture, RequestError } from '../../api/http';
import type { PictureFailure } from '../state/streamWords';
import { paint } from './paint';
import { Places } from './places';
import { nextTurn, type Pace, restMs, type Seat, USUAL_PACE, waitMs } from './turns';

/** A camera that gives pictures answers at once; the others are asked not to wait for one. */
const OPEN_PATIENCE_MS = 4000;
const CLOSED_PATIENCE_MS = 1500;

/** A picture came, or why none did, or what is there is too old to be shown. */
export type News = 'picture' | 'old' | PictureFailure;

const FULL: PictureFailure = { status: 503, detail: 'All camera connections are in use' };

interface Tile extends Seat {
  id: string;
  canvas: HTMLCanvasElement;
  told: (news: News) => void;
  stop: AbortController;
  /** The newest picture's number, where the server names it. */
  sequence: string | null;
}

/**
 * The small pictures of many cameras, one after the other over a few connections: a stream for each
 * would take all that a browser has, and the page could not even ask for their states any more.
 * Nothing is asked while the page is hidden.
 */
export class GridPictures {
  /** To be kept up to date by whoever knows what the server says. */
  readonly places = new Places();
  private readonly tiles = new Set<Tile>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** How often the page was hidden: what was asked for before is too old afterwards. */
  private hides = 0;

  constructor(private readonly pace: Pace = USUAL_PACE) {}

  /** Keeps a canvas up to date until the returned function is called. */
  join(id: string, canvas: HTMLCanvasElement, told: (news: News) => void): () => void {
    const stop = new AbortController();
    const common = { dueMs: performance.now(), busy: false, open: false, sequence: null };
    const tile: Tile = { ...common, id, canvas, told, stop };
    if (this.tiles.size === 0) document.addEventListener('visibilitychange', this.onVisibility);
    this.tiles.add(tile);
    this.turn();
    return () => {
      stop.abort();
      this.tiles.delete(tile);
      if (this.tiles.size > 0) {
        // Somebody may have waited for its connection.
        this.turn();
        return;
      }
      document.removeEventListener('visibilitychange', this.onVisibility);
      clearTimeout(this.timer);
    };
  }

  private readonly onVisibility = (): void => {
    // Whoever comes back sees what is there then, never what was there before.
    if (document.hidden) {
      this.hides += 1;
      for (const tile of this.tiles) tile.told('old');
    }
    this.turn();
  };

  private readonly turn = (): void => {
    clearTimeout(this.timer);
    if (document.hidden) return;
    const nowMs = performance.now();
    for (;;) {
      const tile = nextTurn(this.tiles, nowMs);
      if (tile === null) break;
      if (this.places.take(tile.id)) {
        tile.busy = true;
        void this.ask(tile, nowMs);
      } else {
        tile.open = false;
        tile.dueMs = nowMs + restMs(tile, this.tiles.size, this.pace);
        tile.told(FULL);
      }
    }
    const wait = waitMs(this.tiles, nowMs);
    if (wait !== null) this.timer = setTimeout(this.turn, wait);
  };

  private async ask(tile: Tile, nowMs: number): Promise<void> {
    const { id, canvas, stop } = tile;
    const hides = this.hides;
    try {
      const { picture, headers } = await askPicture({
        path: `${snapshotPath(id)}?wait_s=0`,
        signal: stop.signal,
        timeoutMs: tile.open ? OPEN_PATIENCE_MS : CLOSED_PATIENCE_MS,
      });
      const sequence = headers.get('x-sightwire-sequence');
      tile.open = picture !== null;
      if (picture !== null) {
        if (sequence === null || sequence !== tile.sequence) await paint(canvas, picture);
        tile.sequence = sequence;
        if (!stop.signal.aborted && hides === this.hides) tile.told('picture');
      }
    } catch (error) {
      tile.open = false;
      if (!stop.signal.aborted) tile.told(failureOf(error));
    }
    tile.busy = false;
    tile.dueMs = Math.max(nowMs + restMs(tile, this.tiles.size, this.pace), performance.now());
    if (!stop.signal.aborted) this.turn();
  }
}

function failureOf(error: unknown): PictureFailure {
  if (error instanceof RequestError) {
    const { status, detail } = error;
    return { status, detail: detail ?? 'The server is not responding' };
  }
  return { status: null, detail: 'The frame is damaged and cannot be shown' };
}
