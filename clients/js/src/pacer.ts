/** How long is looked at before the rate is changed. */
const SPAN_MS = 1000;
/** A share of pictures for which there is no room that says that the rate is too high. */
const TOO_MANY = 0.1;
/** A little less than gets through, so that what waits on the way gets through as well. */
const DRAIN = 0.9;
const LEAST_FPS = 1;

/**
 * Chooses which of a source's pictures are sent, so that about `fps` leave each second whatever the
 * source's own rate is. Deadlines advance by whole intervals, so lateness never adds up; a pause is
 * not made up for.
 *
 * Where the network or the server does not take what is sent, the rate falls to what it takes: even
 * gaps say more about a movement than bursts, and what waits on the way gets through. When all
 * leave it rises again, slowly at first. An encoder that is late has no say in that: it takes the
 * next picture as soon as it can.
 */
export class Pacer {
  readonly #wanted: number;
  #fps: number;
  #dueMs: number | null = null;
  #sinceMs = 0;
  #sent = 0;
  #refused = 0;
  #step = 1;

  constructor(fps: number) {
    this.#wanted = fps;
    this.#fps = fps;
  }

  /** Pictures a second that are aimed at now. */
  get fps(): number {
    return this.#fps;
  }

  /**
   * Whether the picture that is there at `nowMs` is one to send: it then counts as sent. `busy` says
   * that the one before is still being encoded, `full` that no more may be on the way.
   */
  take(nowMs: number, room: 'free' | 'busy' | 'full'): 'send' | 'drop' | 'early' {
    const intervalMs = 1000 / this.#fps;
    const half = intervalMs / 2;
    if (this.#dueMs === null) {
      this.#dueMs = nowMs;
      this.#sinceMs = nowMs;
    }
    // While it is busy, the next picture may still come in time.
    if (nowMs < this.#dueMs + (room === 'busy' ? half : -half)) return 'early';
    this.#dueMs = Math.max(this.#dueMs + intervalMs, nowMs + half);
    if (room === 'free') this.#sent += 1;
    if (room === 'full') this.#refused += 1;
    if (nowMs - this.#sinceMs >= SPAN_MS) this.#adapt(nowMs);
    return room === 'free' ? 'send' : 'drop';
  }

  #adapt(nowMs: number): void {
    const sentFps = (this.#sent * 1000) / (nowMs - this.#sinceMs);
    if (this.#refused > TOO_MANY * (this.#sent + this.#refused)) {
      this.#fps = Math.max(LEAST_FPS, Math.min(sentFps, this.#fps) * DRAIN);
      this.#step = 1;
    } else if (this.#refused > 0) {
      this.#step = 1;
    } else {
      this.#fps = Math.min(this.#wanted, this.#fps + this.#step);
      this.#step += 1;
    }
    this.#sinceMs = nowMs;
    this.#sent = 0;
    this.#refused = 0;
  }
}
