import { describe, expect, it } from 'vitest';
import { mergePatch } from './mergePatch';

describe('a merge patch', () => {
  // The examples of RFC 7386, appendix A.
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('makes of %j and %j this: %j', (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });

  it('leaves what it does not name the same object, and the old document as it was', () => {
    const before = { streams: { a: { fps: 1 }, b: { fps: 2 } }, relay: { streams: 2 } };
    const after = mergePatch(before, { streams: { a: { fps: 3 } } }) as typeof before;
    expect(after.streams.a.fps).toBe(3);
    expect(after.streams.b).toBe(before.streams.b);
    expect(after.relay).toBe(before.relay);
    expect(before.streams.a.fps).toBe(1);
  });

  it('takes names that mean something to JavaScript as names', () => {
    const patch: unknown = JSON.parse('{"__proto__":{"fps":1},"constructor":{"fps":2}}');
    const after = mergePatch({}, patch) as Record<string, unknown>;
    expect(Object.keys(after)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(after)).toBe(Object.prototype);
    expect(mergePatch(after, JSON.parse('{"__proto__":null,"constructor":null}'))).toEqual({});
  });
});
