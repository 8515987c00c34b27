import { Frames } from './frames.js';
import { type Quantiles, Rolling } from './stats.js';

const RATE_SPAN_MS = 3000;
const SPAN_MS = 10_000;

/** What is measured while frames flow; rates over the last 3 s, delays over the last 10 s. */
export interface Numbers {
  /** Frames a second that are aimed at now: less than `fps` while not all can leave. */
  targetFps: number;
  sentFps: number;
  answeredFps: number;
  resultFps: number;
  /** Since the start: frames sent, frames answered, and pictures left out for want of room. */
  sent: number;
  answered: number;
  dropped: number;
  /** From sending a frame to the first result that has seen it. */
  delayMs: Quantiles;
  /** From sending a frame to its answer. */
  roundTripMs: Quantiles;
  /** Share of sent frames that a result has seen, 0 to 1; null where it is not known. */
  analysed: number | null;
  /** How long there has been no answer while one is due; else 0. */
  silentMs: number;
}

/** Measures rates and delays. All times are `performance.now()`. */
export class Meters {
  readonly frames: Frames = new Frames();
  readonly #sent = new Rolling(RATE_SPAN_MS);
  readonly #answered = new Rolling(RATE_SPAN_MS);
  readonly #results = new Rolling(RATE_SPAN_MS);
  readonly #roundTrip = new Rolling(SPAN_MS);
  readonly #delay = new Rolling(SPAN_MS);
  /** For each frame whether a result has seen it. */
  readonly #analysed = new Rolling(SPAN_MS);
  readonly #counts = { sent: 0, answered: 0, dropped: 0 };
  /** When an answer came, or began to be due. */
  #answerMs = 0;

  /** The number of the frame that is sent now. */
  sent(nowMs: number): number {
    if (this.frames.unanswered === 0) this.#answerMs = nowMs;
    this.#counts.sent += 1;
    this.#sent.add(nowMs);
    return this.frames.sent(nowMs);
  }

  dropped(): void {
    this.#counts.dropped += 1;
  }

  answered(id: number | null | undefined, nowMs: number): void {
    this.#counts.answered += 1;
    this.#answerMs = nowMs;
    this.#answered.add(nowMs);
    const delayMs = this.frames.answered(id, nowMs);
    if (delayMs !== null) this.#roundTrip.add(nowMs, delayMs);
  }

  /** The delay of the newest frame that the result has seen, if it is the first to see it. */
  result(seen: number, windowFrames: number, nowMs: number): number | null {
    this.#results.add(nowMs);
    const delays = this.frames.result(seen, windowFrames, nowMs);
    for (const delayMs of delays) {
      this.#analysed.add(nowMs, delayMs === null ? 0 : 1);
      if (delayMs !== null) this.#delay.add(nowMs, delayMs);
    }
    return delays.at(-1) ?? null;
  }

  read(nowMs: number, targetFps: number): Numbers {
    return {
      targetFps,
      ...this.#counts,
      sentFps: this.#sent.perSecond(nowMs),
      answeredFps: this.#answered.perSecond(nowMs),
      resultFps: this.#results.perSecond(nowMs),
      delayMs: this.#delay.quantiles(nowMs),
      roundTripMs: this.#roundTrip.quantiles(nowMs),
      analysed: this.#analysed.mean(nowMs),
      silentMs: this.frames.unanswered > 0 ? nowMs - this.#answerMs : 0,
    };
  }
}

export const NO_NUMBERS: Numbers = /* @__PURE__ */ new Meters().read(0, 0);
