import { pushBounded, type Quantiles, RollingRate, RollingSamples } from './logic/stats';
import { SeenLog } from './logic/seen';
import { Flight } from './logic/flight';

/** Unanswered frames at once. At 25 frames a second this bears a round trip of 240 ms. */
const MAX_IN_FLIGHT = 6;
const GIVE_UP_MS = 5000;
const SPAN_MS = 10_000;
const HISTORY = 60;

/** What is measured while frames flow; null where nothing is known yet. */
export interface Numbers {
  sentFps: number;
  answeredFps: number;
  resultFps: number;
  /** Share of sent frames that a result has seen, 0 to 1. */
  analysed: number | null;
  roundTrip: Quantiles;
  seen: Quantiles;
  history: {
    sent: readonly number[];
    analysed: readonly number[];
    roundTrip: readonly number[];
    seen: readonly number[];
  };
}

const UNKNOWN: Quantiles = { p50: null, p95: null };

export const NO_NUMBERS: Numbers = {
  sentFps: 0,
  answeredFps: 0,
  resultFps: 0,
  analysed: null,
  roundTrip: UNKNOWN,
  seen: UNKNOWN,
  history: { sent: [], analysed: [], roundTrip: [], seen: [] },
};

/** Measures rates and delays of one session. All times are `performance.now()`. */
export class Meters {
  readonly flight = new Flight(MAX_IN_FLIGHT, GIVE_UP_MS);
  private readonly seenLog = new SeenLog(SPAN_MS);
  private readonly sentRate = new RollingRate();
  private readonly answeredRate = new RollingRate();
  private readonly resultRate = new RollingRate();
  private readonly roundTrip = new RollingSamples(SPAN_MS);
  private readonly seen = new RollingSamples(SPAN_MS);
  private history = NO_NUMBERS.history;

  sent(id: number, nowMs: number): void {
    this.flight.sent(id, nowMs);
    this.seenLog.sent(id, nowMs);
    this.sentRate.add(nowMs);
  }

  answered(id: number | undefined, nowMs: number): void {
    this.answeredRate.add(nowMs);
    const delayMs = this.flight.answered(id, nowMs);
    if (delayMs !== null) this.roundTrip.add(nowMs, delayMs);
  }

  result(seen: number, windowFrames: number, nowMs: number): void {
    this.resultRate.add(nowMs);
    for (const delayMs of this.seenLog.result(seen, windowFrames, nowMs)) {
      this.seen.add(nowMs, delayMs);
    }
  }

  /** The numbers now; each call also adds a point to the histories. */
  read(nowMs: number): Numbers {
    const sentFps = this.sentRate.perSecond(nowMs);
    const roundTrip = this.roundTrip.quantiles(nowMs);
    const seen = this.seen.quantiles(nowMs);
    const analysed = this.seenLog.share(nowMs);
    this.history = {
      sent: pushBounded(this.history.sent, sentFps, HISTORY),
      analysed: pushBounded(this.history.analysed, analysed ?? 0, HISTORY),
      roundTrip: pushBounded(this.history.roundTrip, roundTrip.p50 ?? 0, HISTORY),
      seen: pushBounded(this.history.seen, seen.p50 ?? 0, HISTORY),
    };
    return {
      sentFps,
      answeredFps: this.answeredRate.perSecond(nowMs),
      resultFps: this.resultRate.perSecond(nowMs),
      analysed,
      roundTrip,
      seen,
      history: this.history,
    };
  }

  /** Forgets what is under way: after a reconnect old answers mean nothing. */
  restart(): void {
    this.flight.reset();
    this.seenLog.reset();
  }

  reset(): void {
    this.restart();
    for (const part of [this.sentRate, this.answeredRate, this.resultRate]) part.reset();
    this.roundTrip.reset();
    this.seen.reset();
    this.history = NO_NUMBERS.history;
  }
}
