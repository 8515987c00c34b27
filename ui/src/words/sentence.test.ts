import { describe, expect, it } from 'vitest';
import { MOST_WORDS, Sentence, sentenceText } from './sentence';

function sentence(text: string, most?: number): Sentence {
  const made = new Sentence(most);
  for (const word of text.split(' ')) made.add(word);
  return made;
}

const text = (of: Sentence) => sentenceText(of.snapshot().words);

describe('a sentence', () => {
  it('is its words in order', () => {
    expect(text(sentence('left left right'))).toBe('left left right');
  });

  it('lets the oldest words go when it is full, and counts them', () => {
    const full = sentence('a b c d e', 3);
    expect(text(full)).toBe('c d e');
    expect(full.snapshot().dropped).toBe(2);
    const long = new Sentence();
    for (let n = 0; n < MOST_WORDS + 7; n += 1) long.add(String(n));
    expect(long.snapshot().words).toHaveLength(MOST_WORDS);
    expect(long.snapshot().words[0]?.text).toBe('7');
  });

  it('takes back one word at a time', () => {
    const one = sentence('left right');
    one.undo();
    expect(text(one)).toBe('left');
    one.undo();
    expect(one.snapshot()).toMatchObject({ words: [], undo: null });
    one.undo();
    expect(text(one)).toBe('');
  });

  it('brings back what was cleared, until a new word comes', () => {
    const cleared = sentence('left right');
    cleared.clear();
    expect(text(cleared)).toBe('');
    expect(cleared.snapshot().undo?.kind).toBe('bring back');
    cleared.undo();
    expect(text(cleared)).toBe('left right');
    cleared.clear();
    cleared.add('up');
    cleared.undo();
    expect(text(cleared)).toBe('');
  });

  it('keeps its count of dropped words through clearing by mistake', () => {
    const full = sentence('a b c d', 3);
    full.clear();
    expect(full.snapshot().dropped).toBe(0);
    full.undo();
    expect(full.snapshot().dropped).toBe(1);
  });

  it('tells its readers of changes only', () => {
    const empty = new Sentence();
    let told = 0;
    const gone = empty.subscribe(() => (told += 1));
    empty.clear();
    empty.undo();
    expect(told).toBe(0);
    empty.add('left');
    expect(told).toBe(1);
    gone();
    empty.add('left');
    expect(told).toBe(1);
  });
});
