/** What the list of objects says above them, and where there are none. */
export interface ObjectWords {
  title: string;
  /** How many there are; null where nobody knows. */
  count: number | null;
  none: string;
  /** They were there, and may have gone. */
  old: boolean;
}

interface Seen {
  count: number;
  /** Objects are looked for at all. */
  detects: boolean;
  /** New frames come. */
  live: boolean;
  hasFrame: boolean;
}

export function objectWords({ count, detects, live, hasFrame }: Seen): ObjectWords {
  const now = { title: 'In view now', count: null, old: false };
  if (!detects) return { ...now, none: 'Detection is off.' };
  if (!hasFrame && count === 0) return { ...now, none: 'No frame yet.' };
  const none = 'No objects detected.';
  return live ? { ...now, count, none } : { title: 'In the last frame', count, none, old: true };
}
