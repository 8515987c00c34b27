/** Unanswered frames beyond those that the way there and back explains. */
const SPARE = 4;
const MOST_UNANSWERED = 10;
/** A frame that is not answered for so long no longer holds its place. */
const GIVE_UP_MS = 5000;
const REMEMBERED = 500;

/**
 * The frames of one client, numbered one after the other: when each was sent, up to which they are
 * answered, and up to which a result has seen them.
 */
export class Frames {
  readonly #sentMs = new Map<number, number>();
  #newest = 0;
  #answered = 0;
  #seen = 0;
  /** The shortest round trip of this connection: the way itself, without any waiting. */
  #wayMs = Infinity;

  /** How many are unanswered. */
  get unanswered(): number {
    return this.#newest - this.#answered;
  }

  /** Whether one more frame may leave, at `fps`, without having to wait somewhere on its way. */
  free(nowMs: number, fps: number): boolean {
    while (this.unanswered > 0 && this.#ageMs(this.#answered + 1, nowMs) > GIVE_UP_MS) {
      this.#answered += 1;
    }
    const underWay = Number.isFinite(this.#wayMs) ? Math.ceil((this.#wayMs * fps) / 1000) : 0;
    return this.unanswered < Math.min(underWay + SPARE, MOST_UNANSWERED);
  }

  /** The number of the frame that is sent now. */
  sent(nowMs: number): number {
    const id = ++this.#newest;
    this.#sentMs.set(id, nowMs);
    this.#sentMs.delete(id - REMEMBERED);
    return id;
  }

  /**
   * The round trip of the frame that was answered, or null if it is not known. Frames before it were
   * refused and will never be answered, since the server answers in order. Without an `id` (a server
   * that does not echo it) the oldest frame is meant.
   */
  answered(id: number | null | undefined, nowMs: number): number | null {
    const answered = id ?? this.#answered + 1;
    if (answered <= this.#answered || answered > this.#newest) return null;
    this.#answered = answered;
    const roundTripMs = this.#ageMs(answered, nowMs);
    this.#wayMs = Math.min(this.#wayMs, roundTripMs);
    return roundTripMs;
  }

  /**
   * Results name the newest frame of their window, so all frames of that window are seen by it;
   * older ones that no window held are missed. Gives for each frame that is settled by this result,
   * oldest first, the delay from sending it, or null where it was missed.
   */
  result(seen: number, windowFrames: number, nowMs: number): (number | null)[] {
    const settled: (number | null)[] = [];
    let id = Math.max(this.#seen, this.#newest - REMEMBERED) + 1;
    for (; id <= Math.min(seen, this.#newest); id += 1) {
      settled.push(seen - id < windowFrames ? this.#ageMs(id, nowMs) : null);
    }
    this.#seen = Math.max(this.#seen, seen);
    return settled;
  }

  /** Forgets what is under way: after a reconnect old answers mean nothing. */
  restart(): void {
    this.#answered = this.#newest;
    this.#seen = this.#newest;
    this.#wayMs = Infinity;
  }

  #ageMs(id: number, nowMs: number): number {
    return nowMs - (this.#sentMs.get(id) ?? nowMs);
  }
}
