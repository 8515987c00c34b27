import type { JobFile } from 'sightwire/api';
import { isFound } from '../../components/find';

export const ROW_SORTS = ['index', 'name', 'state', 'regions', 'confidence', 'ms'] as const;
export type RowSortKey = (typeof ROW_SORTS)[number];

export interface RowSort {
  by: RowSortKey;
  reversed: boolean;
}

/** Which files are listed. */
export const ROW_STATES = ['all', 'done', 'failed', 'waiting'] as const;
export type RowState = (typeof ROW_STATES)[number];

/** What somebody should look at stands first. */
const RANK: Record<JobFile['state'], number> = {
  failed: 0,
  cancelled: 1,
  reading: 2,
  waiting: 3,
  done: 4,
};

/** The first click on these shows the largest. */
const LARGEST_FIRST: ReadonlySet<RowSortKey> = new Set(['regions', 'ms']);
const names = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

function isFinished({ state }: JobFile): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled';
}

/** Whether an arrow beside the column points down. */
export function descends({ by, reversed }: RowSort): boolean {
  return LARGEST_FIRST.has(by) !== reversed;
}

/** What a press on a column's name does: sorts by it, or the other way round. */
export function nextSort(sort: RowSort, by: RowSortKey): RowSort {
  return { by, reversed: sort.by === by && !sort.reversed };
}

/** The files to list, in their order. What has no value yet stands last, either way round. */
export function arrange(
  rows: readonly JobFile[],
  { find, state, sort }: { find: string; state: RowState; sort: RowSort },
): readonly JobFile[] {
  const shown =
    state === 'all' && find.trim() === ''
      ? rows
      : rows.filter((row) => inState(row, state) && isFound(find, row.name, row.error ?? ''));
  const { by } = sort;
  if (by === 'index') return sort.reversed ? shown.toReversed() : shown;
  const sign = descends(sort) ? -1 : 1;
  return shown.toSorted((a, b) => compare(a, b, by, sign) || a.index - b.index);
}

function inState(row: JobFile, state: RowState): boolean {
  switch (state) {
    case 'all':
      return true;
    case 'waiting':
      return !isFinished(row);
    case 'failed':
      return row.state === 'failed' || row.state === 'cancelled';
    case 'done':
      return row.state === 'done';
  }
}

function compare(a: JobFile, b: JobFile, by: Exclude<RowSortKey, 'index'>, sign: number): number {
  if (by === 'name') return sign * names.compare(a.name, b.name);
  if (by === 'state') return sign * (RANK[a.state] - RANK[b.state]);
  const [left, right] = [a[by], b[by]];
  if (left === null || right === null) return Number(left === null) - Number(right === null);
  return sign * (left - right);
}
