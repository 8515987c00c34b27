import { describe, expect, it } from 'vitest';
import { ruleFor, WordRule } from './wordRule';

/** The words of predictions at 25 a second, written `left*8 none*3`. */
function words(predictions: string, hold = 4): string[] {
  const rule = new WordRule();
  const made: string[] = [];
  let atMs = 0;
  for (const part of predictions.split(' ')) {
    const [label = '', times = '1'] = part.split('*');
    for (let n = 0; n < Number(times); n += 1) {
      atMs += 40;
      const word = rule.take(label === 'none' ? null : label, atMs, ruleFor(hold));
      if (word !== null) made.push(word);
    }
  }
  return made;
}

describe('a word', () => {
  it('is made at the last of the predictions that it takes, and not before', () => {
    expect(words('left*3')).toEqual([]);
    expect(words('left*4')).toEqual(['left']);
    expect(words('left*7', 8)).toEqual([]);
    expect(words('left*8', 8)).toEqual(['left']);
    expect(words('left', 1)).toEqual(['left']);
  });

  it('needs predictions in a row: one other in between starts the count anew', () => {
    expect(words('left*3 right left*3')).toEqual([]);
    expect(words('left*3 none left*3')).toEqual([]);
    expect(words('left*3 none left*4')).toEqual(['left']);
  });

  it('comes once for as long as it lasts', () => {
    expect(words('left*500')).toEqual(['left']);
  });

  it('lasts through a flicker', () => {
    expect(words('left*10 none left*10 right left*10')).toEqual(['left']);
  });

  it('comes again after “none” or after another word', () => {
    expect(words('left*4 none*2 left*4')).toEqual(['left', 'left']);
    expect(words('left*4 right*4 left*4')).toEqual(['left', 'right', 'left']);
  });

  it('is not made of “none”', () => {
    expect(words('none*50')).toEqual([]);
  });

  it('is not made of a flutter between two labels', () => {
    expect(words(Array.from({ length: 50 }, () => 'left*2 right*2').join(' '))).toEqual([]);
  });
});

describe('a pause without predictions', () => {
  const words = (...atMs: number[]) => {
    const rule = new WordRule();
    return atMs.map((ms) => rule.take('left', ms, { hold: 2, release: 1 }));
  };

  it('starts the count anew', () => {
    expect(words(0, 900)).toEqual([null, 'left']);
    expect(words(0, 1100)).toEqual([null, null]);
  });

  it('ends a word only if it is long', () => {
    expect(words(0, 40, 4000, 4040)).toEqual([null, 'left', null, null]);
    expect(words(0, 40, 6000, 6040)).toEqual([null, 'left', null, 'left']);
  });
});
