/** How sure the reader is, as people need it: right, worth a look, probably wrong. */
export type Sureness = 'sure' | 'fair' | 'unsure';

export const SURENESS: readonly Sureness[] = ['unsure', 'fair', 'sure'];

const FROM: Record<Sureness, number> = { sure: 0.9, fair: 0.75, unsure: 0 };

export function sureness(confidence: number): Sureness {
  if (confidence >= FROM.sure) return 'sure';
  return confidence >= FROM.fair ? 'fair' : 'unsure';
}

interface Look {
  /** Of the outline on the picture: blue, orange and magenta differ for all kinds of colour vision. */
  stroke: string;
  fill: string;
  /** Parts of the outline's width; the less sure, the more broken. */
  dash: readonly number[];
}

export const LOOKS: Record<Sureness, Look> = {
  sure: { stroke: '#1a73e8', fill: 'rgb(26 115 232 / 13%)', dash: [] },
  fair: { stroke: '#e68a00', fill: 'rgb(230 138 0 / 16%)', dash: [7, 3] },
  unsure: { stroke: '#d6246e', fill: 'rgb(214 36 110 / 18%)', dash: [3, 3] },
};

/** Whole percent, rounded down: 100 % is kept for what is certain. */
export function surePercent(confidence: number): string {
  return `${Math.floor(confidence * 100 + 1e-9)} %`;
}
