const COLOURS = 8;

/** The colour in which the server draws the box of this class, or of this track. */
export function drawnColour(number: number): string {
  return `var(--drawn-${number % COLOURS})`;
}

export const DRAWN_COLOURS: readonly string[] = Array.from({ length: COLOURS }, (_, n) =>
  drawnColour(n),
);
