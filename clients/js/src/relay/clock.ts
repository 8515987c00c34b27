/** An estimate that is older than this gives way to a worse one: clocks drift. */
const KEEP_MS = 300_000;

/**
 * How far the server's clock is ahead of `performance.now()` here, from questions and answers: the
 * server looked at its clock half-way between the two, give or take half of the round trip. The
 * answer that was fastest knows best.
 */
export class ServerClock {
  #best: { offsetMs: number; roundTripMs: number; atMs: number } | null = null;

  /** A question left at `sentMs` and its answer came at `nowMs`; the server's clock was `serverMs`. */
  answered(sentMs: number, nowMs: number, serverMs: number): void {
    const roundTripMs = nowMs - sentMs;
    const offsetMs = serverMs - (sentMs + nowMs) / 2;
    const best = this.#best;
    const moved =
      best !== null &&
      Math.abs(offsetMs - best.offsetMs) > (roundTripMs + best.roundTripMs) / 2 + 1;
    const better = best === null || roundTripMs <= best.roundTripMs;
    if (better || moved || nowMs - best.atMs > KEEP_MS) {
      this.#best = { offsetMs, roundTripMs, atMs: nowMs };
    }
  }

  /** How long ago the server's clock was `serverMs`; null as long as nothing is known of it. */
  ageMs(serverMs: number, nowMs: number): number | null {
    if (this.#best === null) return null;
    return Math.max(0, nowMs + this.#best.offsetMs - serverMs);
  }

  /** Another connection may lead to another machine. */
  forget(): void {
    this.#best = null;
  }
}
