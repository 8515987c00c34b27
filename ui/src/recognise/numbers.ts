import type { Numbers as Measured, Quantiles } from 'sightwire';
import { pushBounded } from '../base/stats';

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

/** The numbers now, each history one point longer. */
export function nextNumbers({ history }: Numbers, now: Measured): Numbers {
  const { sentFps, answeredFps, resultFps, analysed, roundTripMs, delayMs } = now;
  return {
    sentFps,
    answeredFps,
    resultFps,
    analysed,
    roundTrip: roundTripMs,
    seen: delayMs,
    history: {
      sent: pushBounded(history.sent, sentFps, HISTORY),
      analysed: pushBounded(history.analysed, analysed ?? 0, HISTORY),
      roundTrip: pushBounded(history.roundTrip, roundTripMs.p50 ?? 0, HISTORY),
      seen: pushBounded(history.seen, delayMs.p50 ?? 0, HISTORY),
    },
  };
}
