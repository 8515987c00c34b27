import { describe, expect, it } from 'vitest';
import { formatSettings, nextSort, parseSettings } from './settings';

describe('the address of the page', () => {
  it.each([
    '',
    '?find=P-1',
    '?find=a%26b&trouble',
    '?streams=-lost&viewers=rtt',
    '?streams=-name',
    '?streams=name',
    '?span=day',
  ])('%j says what is shown, and is as short as can be', (search) => {
    expect(formatSettings(parseSettings(search))).toBe(search);
  });

  it('gives what is usual where it makes no sense', () => {
    expect(parseSettings('?streams=constructor&viewers=-nonsense')).toEqual(parseSettings(''));
    expect(parseSettings('')).toEqual({
      find: '',
      trouble: false,
      span: 'hour',
      streams: { by: 'state', reversed: false },
      viewers: { by: 'since', reversed: false },
    });
  });
});

it('a second press on a column turns the order round', () => {
  const first = nextSort<'lost' | 'name'>({ by: 'name', reversed: true }, 'lost');
  expect(first).toEqual({ by: 'lost', reversed: false });
  expect(nextSort(first, 'lost')).toEqual({ by: 'lost', reversed: true });
  expect(nextSort(nextSort(first, 'lost'), 'lost')).toEqual(first);
});
