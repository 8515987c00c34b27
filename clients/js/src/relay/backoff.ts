const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

/**
 * How long to wait before connecting again after `failures` in a row: 1, 2, 4 … 30 s, give or take
 * a fifth, so that all the clients of a server that was restarted do not come at once. `random` is 0
 * to 1.
 */
export function retryDelayMs(failures: number, random: number): number {
  const delay = Math.min(FIRST_MS * 2 ** failures, LONGEST_MS);
  return Math.round(delay * (0.8 + 0.4 * random));
}
