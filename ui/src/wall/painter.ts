import type { Overlay, Picture } from 'sightwire/relay';

/** Where a tile's pictures are shown. `B` is a decoded picture. */
export interface Screen<B> {
  /** Puts it there; called between two frames of the display. */
  show: (bitmap: B) => void;
  /** Takes it away: it is not what is there now. */
  blank: () => void;
  /** Draws what was found over it; null: nothing. */
  mark: (overlay: Overlay | null) => void;
  /** Pictures come that cannot be decoded, or can be again. */
  broken: (is: boolean) => void;
}

/** What the painter needs from a viewer and from the browser. */
export interface Tools<B> {
  newest: (stream: string) => Picture | null;
  overlay: (stream: string) => Overlay | null;
  decode: (jpeg: Uint8Array<ArrayBuffer>) => Promise<B>;
  /** Gives a decoded picture back. */
  close: (bitmap: B) => void;
  /** Calls back before the next frame of the display; not while the page is hidden. */
  frame: (run: () => void) => void;
  nowMs: () => number;
}

interface Tile<B> {
  stream: string;
  screen: Screen<B>;
  inSight: boolean;
  /** The newest picture that was given to the decoder. */
  taken: Picture | null;
  decoding: boolean;
  /** Decoded, and not shown yet. */
  ready: B | null;
  lastTurn: number;
  marked: Overlay | null;
  markedAtMs: number;
  /** Since when nothing could be decoded; null while it can be. */
  failingSinceMs: number | null;
  isBroken: boolean;
}

/** So many pictures are decoded at once; more would only wait inside the browser. */
const MOST_AT_ONCE = 4;
/** A mark that is not renewed says nothing about what is seen now. */
const MARK_MS = 2000;
const BROKEN_MS = 1500;

/**
 * Brings the newest pictures of all tiles onto their screens, on one loop of frames. Nothing queues:
 * of each stream one picture is decoded at a time, always the newest, and only for tiles in sight.
 * While nothing arrives, nothing runs.
 */
export class Painter<B> {
  private readonly tiles = new Set<Tile<B>>();
  private atOnce = 0;
  private turn = 0;
  private asked = false;
  private asleep = false;

  constructor(private readonly tools: Tools<B>) {}

  /** Keeps a screen up to date; `see` tells whether it can be seen. Ends with `leave`. */
  join(stream: string, screen: Screen<B>): { see: (inSight: boolean) => void; leave: () => void } {
    const tile: Tile<B> = {
      ...{ stream, screen, inSight: false, taken: null, decoding: false, ready: null },
      ...{ lastTurn: 0, marked: null, markedAtMs: 0, failingSinceMs: null, isBroken: false },
    };
    this.tiles.add(tile);
    return {
      see: (inSight) => {
        tile.inSight = inSight;
        this.poke();
      },
      leave: () => {
        this.tiles.delete(tile);
        this.drop(tile);
      },
    };
  }

  /** Something new is there. */
  readonly poke = (): void => {
    if (this.asked) return;
    this.asked = true;
    this.tools.frame(this.run);
  };

  /** Takes all pictures away: whoever comes back sees what is there then, never what was before. */
  sleep(): void {
    this.asleep = true;
    for (const tile of this.tiles) {
      tile.taken = null;
      this.drop(tile);
      tile.screen.blank();
    }
  }

  /** The newest pictures come with the next frame of the display. */
  wake(): void {
    this.asleep = false;
    this.poke();
  }

  private readonly run = (): void => {
    this.asked = false;
    if (this.asleep) return;
    const nowMs = this.tools.nowMs();
    for (const tile of this.tiles) {
      if (!tile.inSight) {
        this.drop(tile);
        continue;
      }
      if (tile.ready !== null) {
        tile.screen.show(tile.ready);
        this.drop(tile);
      }
      this.mark(tile, nowMs);
      const newest = this.tools.newest(tile.stream);
      if (newest === null && tile.taken !== null) {
        tile.taken = null;
        tile.screen.blank();
      }
    }
    this.feed();
  };

  /** Gives the decoder what it has room for. */
  private feed(): void {
    const wanting = [...this.tiles].filter((tile) => {
      const newest = this.tools.newest(tile.stream);
      const isBusy = tile.decoding || tile.ready !== null;
      return tile.inSight && !isBusy && newest !== null && newest !== tile.taken;
    });
    // Whoever was served longest ago comes first, so that many tiles all move.
    wanting.sort((a, b) => a.lastTurn - b.lastTurn);
    for (const tile of wanting.slice(0, Math.max(0, MOST_AT_ONCE - this.atOnce))) {
      void this.decode(tile);
    }
  }

  private async decode(tile: Tile<B>): Promise<void> {
    const picture = this.tools.newest(tile.stream);
    if (picture === null) return;
    tile.taken = picture;
    tile.decoding = true;
    tile.lastTurn = ++this.turn;
    this.atOnce += 1;
    try {
      const bitmap = await this.tools.decode(picture.jpeg);
      this.drop(tile);
      // Not where it was taken away meanwhile.
      if (this.tiles.has(tile) && tile.taken === picture) tile.ready = bitmap;
      else this.tools.close(bitmap);
      this.judge(tile, true);
    } catch {
      this.judge(tile, false);
    }
    tile.decoding = false;
    this.atOnce -= 1;
    // What waits for room does not wait for the next frame of the display, too.
    if (!this.asleep) this.feed();
    this.poke();
  }

  /** One broken picture is left out; where there are only such, the tile has to say so. */
  private judge(tile: Tile<B>, whole: boolean): void {
    const nowMs = this.tools.nowMs();
    tile.failingSinceMs = whole ? null : (tile.failingSinceMs ?? nowMs);
    const since = tile.failingSinceMs;
    const isBroken = since !== null && (tile.isBroken || nowMs - since >= BROKEN_MS);
    if (isBroken !== tile.isBroken) tile.screen.broken(isBroken);
    tile.isBroken = isBroken;
  }

  private mark(tile: Tile<B>, nowMs: number): void {
    const overlay = this.tools.overlay(tile.stream);
    const isNew = overlay !== null && overlay !== tile.marked;
    if (isNew) {
      tile.marked = overlay;
      tile.markedAtMs = nowMs;
      tile.screen.mark(overlay);
    } else if (
      tile.marked !== null &&
      (overlay === null || nowMs - tile.markedAtMs > MARK_MS) &&
      tile.markedAtMs > 0
    ) {
      tile.markedAtMs = 0;
      tile.screen.mark(null);
    }
  }

  private drop(tile: Tile<B>): void {
    if (tile.ready !== null) this.tools.close(tile.ready);
    tile.ready = null;
  }
}
