import { formatOptions, parseOptions, type ReadOptions } from './options';
import { type RowSort, ROW_SORTS, type RowState, ROW_STATES } from './table/rows';

/** What of the page stands in its address, so that a view can be shared and survives a reload. */
export interface Address {
  job: string | null;
  /** Which file is shown; null: the first one that there is something to see of. */
  file: number | null;
  page: number;
  /** Less sure lines are hidden. */
  least: number;
  /** Before and after the preparation, side by side. */
  compare: boolean;
  state: RowState;
  find: string;
  sort: RowSort;
  options: ReadOptions;
}

export const USUAL_LEAST = 0.5;
const USUAL_SORT: RowSort = { by: 'index', reversed: false };

export function parseAddress(search: string): Address {
  const query = new URLSearchParams(search);
  const file = Number(query.get('file') ?? '');
  const page = Number(query.get('page') ?? '');
  const least = Number.parseFloat(query.get('min') ?? '');
  const job = query.get('job');
  return {
    job: job === null || job === '' ? null : job,
    file: Number.isInteger(file) && file >= 1 ? file - 1 : null,
    page: Number.isInteger(page) && page >= 1 ? page : 1,
    least: least >= 0 && least <= 1 ? least : USUAL_LEAST,
    compare: query.has('compare'),
    state: ROW_STATES.find((state) => state === query.get('state')) ?? 'all',
    find: query.get('find') ?? '',
    sort: parseSort(query.get('sort')),
    options: parseOptions(query),
  };
}

/** The shortest query that gives this back, with its `?`, or nothing. Files count from 1 there. */
export function formatAddress(address: Address): string {
  const { job, file, page, least, compare, state, find, sort, options } = address;
  const query = new URLSearchParams();
  if (job !== null) query.set('job', job);
  if (file !== null) query.set('file', String(file + 1));
  if (page !== 1) query.set('page', String(page));
  if (least !== USUAL_LEAST) query.set('min', least.toFixed(2));
  if (compare) query.set('compare', '');
  if (state !== 'all') query.set('state', state);
  if (find !== '') query.set('find', find);
  if (formatSort(sort) !== formatSort(USUAL_SORT)) query.set('sort', formatSort(sort));
  for (const [name, value] of Object.entries(formatOptions(options))) query.set(name, value);
  const text = query.toString().replace('compare=', 'compare');
  return text === '' ? '' : `?${text}`;
}

function parseSort(text: string | null): RowSort {
  const by = ROW_SORTS.find((name) => name === text?.replace(/^-/, ''));
  if (by === undefined) return USUAL_SORT;
  return { by, reversed: text?.startsWith('-') === true };
}

function formatSort({ by, reversed }: RowSort): string {
  return reversed ? `-${by}` : by;
}
