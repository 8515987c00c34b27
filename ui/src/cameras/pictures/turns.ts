/** A tile that wants pictures. */
export interface Seat {
  /** When it may have its next turn. */
  dueMs: number;
  busy: boolean;
  /** Its camera gives pictures, so an answer comes at once. */
  open: boolean;
}

/** How often pictures change. */
export interface Pace {
  /** Of one tile, at most. */
  fps: number;
  /** Of all tiles together: sixteen of them cost no more than four. */
  together: number;
}

export const USUAL_PACE: Pace = { fps: 5, together: 20 };
/**
 * Requests at once. A browser has six connections to a server, and two of them have to be left for
 * everything else. Cameras that give nothing share one, however many they are.
 */
const MOST_OPEN = 3;
const MOST_CLOSED = 1;
/** How often a camera without pictures is asked: often enough that the server keeps it open. */
const CLOSED_GAP_MS = 500;

/** The seat whose turn it is: of those that may, the one that has waited longest. */
export function nextTurn<T extends Seat>(seats: Iterable<T>, nowMs: number): T | null {
  let next: T | null = null;
  let open = 0;
  let closed = 0;
  for (const seat of seats) {
    if (!seat.busy) continue;
    if (seat.open) open += 1;
    else closed += 1;
  }
  for (const seat of seats) {
    if (seat.busy || seat.dueMs > nowMs) continue;
    if (seat.open ? open >= MOST_OPEN : closed >= MOST_CLOSED) continue;
    if (next === null || seat.dueMs < next.dueMs) next = seat;
  }
  return next;
}

/** How long a seat rests between two turns. */
export function restMs(seat: Seat, seats: number, pace: Pace = USUAL_PACE): number {
  return seat.open ? Math.max(1000 / pace.fps, (seats * 1000) / pace.together) : CLOSED_GAP_MS;
}

/** How long until there may be a turn again; null where only an answer can make one. */
export function waitMs(seats: Iterable<Seat>, nowMs: number): number | null {
  let wait: number | null = null;
  for (const { busy, dueMs } of seats) {
    if (busy || dueMs <= nowMs) continue;
    wait = Math.min(wait ?? Infinity, dueMs - nowMs);
  }
  return wait;
}
