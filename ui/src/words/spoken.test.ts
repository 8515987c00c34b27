import { describe, expect, it } from 'vitest';
import { Sentence } from './sentence';
import { spoken } from './spoken';

describe('what a screen reader says', () => {
  it('is each new word with its number, so that the same word twice is heard twice', () => {
    const sentence = new Sentence();
    expect(spoken(sentence.snapshot(), 0)).toBe('');
    sentence.add('left');
    expect(spoken(sentence.snapshot(), 0)).toBe('Word 1: left');
    sentence.add('left');
    expect(spoken(sentence.snapshot(), 1)).toBe('Word 2: left');
  });

  it('is all words that came while something else was said', () => {
    const sentence = new Sentence(2);
    for (const word of ['a', 'b', 'c']) sentence.add(word);
    expect(spoken(sentence.snapshot(), 1)).toBe('Words 2 to 3: b c');
  });

  it('is what was undone', () => {
    const sentence = new Sentence();
    sentence.add('left');
    sentence.add('right');
    sentence.undo();
    expect(spoken(sentence.snapshot(), 2)).toBe('Removed: right. 1 word.');
    sentence.clear();
    expect(spoken(sentence.snapshot(), 2)).toBe('The sentence is empty.');
    sentence.undo();
    expect(spoken(sentence.snapshot(), 2)).toBe('Restored. 1 word.');
  });
});
