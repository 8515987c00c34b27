import { describe, expect, it } from 'vitest';
import { groupOf, moved, ordered, readKept, withGroup } from './order';

const tiles = (ids: string) => Array.from(ids, (id) => ({ id }));
const names = (all: readonly { id: string }[]) => all.map(({ id }) => id).join('');

describe('the order of a wall', () => {
  it('has what was moved first, and the rest by its names', () => {
    expect(names(ordered(tiles('dbca'), ['c', 'x', 'a'], new Map()))).toBe('cabd');
    expect(names(ordered(tiles('dbca'), [], new Map()))).toBe('abcd');
    const called = new Map(Object.entries({ a: 'Bed 10', b: 'Bed 9', c: 'Bed 1' }));
    expect(names(ordered(tiles('abc'), [], called))).toBe('cba');
  });

  it('moves a tile among those that are shown, and forgets none that is away', () => {
    expect(moved([], ['a', 'b', 'c'], 'c', -1)).toEqual(['a', 'c', 'b']);
    expect(moved(['x', 'a'], ['a', 'b'], 'a', 1)).toEqual(['b', 'a', 'x']);
    expect(moved(['a'], ['a', 'b'], 'a', -1)).toEqual(['a']);
    expect(moved(['a'], ['a', 'b'], 'z', 1)).toEqual(['a']);
  });

  it('reads what it kept, whatever a person made of it', () => {
    const text =
      '{"order":["a",1],"groups":[{"name":"Yard","streams":["a","b"]},{"name":""},null,7]}';
    expect(readKept(text)).toEqual({
      order: ['a'],
      groups: [{ name: 'Yard', streams: ['a', 'b'] }],
    });
    for (const broken of [null, '', '[', 'null', '7', '{"order":7}']) {
      expect(readKept(broken)).toEqual({ order: [], groups: [] });
    }
  });

  it('knows a group by its streams, in any order', () => {
    const groups = [
      { name: 'Yard', streams: ['a', 'b'] },
      { name: 'Gate', streams: ['c'] },
    ];
    expect(groupOf(groups, ['b', 'a'])?.name).toBe('Yard');
    expect(groupOf(groups, ['a'])).toBeUndefined();
    expect(groupOf(groups, ['a', 'c'])).toBeUndefined();
  });

  it('keeps one group of a name', () => {
    const groups = withGroup([{ name: 'Yard', streams: ['a'] }], { name: 'Yard', streams: ['b'] });
    expect(groups).toEqual([{ name: 'Yard', streams: ['b'] }]);
  });
});
