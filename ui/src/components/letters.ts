const LETTERS = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** A text as people count it: an emoji, or a letter with its marks, is one. */
export function lettersOf(text: string): string[] {
  return Array.from(LETTERS.segment(text), ({ segment }) => segment);
}
