/** In which order tiles stand, and which streams belong together: kept in this browser. */

import { keep, kept } from '../base/storage';
import { naturalOrder } from '../components/naturalOrder';

const KEY = 'sightwire.wall';
/** What a browser keeps of a wall is small. */
const MOST_ORDERED = 200;
const MOST_GROUPS = 20;

export interface Group {
  name: string;
  streams: readonly string[];
}

export interface Kept {
  /** Those that somebody has moved, in their order; others follow by their names. */
  order: readonly string[];
  groups: readonly Group[];
}

const NOTHING: Kept = { order: [], groups: [] };

export function readKept(text: string | null): Kept {
  if (text === null) return NOTHING;
  try {
    const { order, groups } = JSON.parse(text) as { order?: unknown; groups?: unknown };
    const named = Array.isArray(groups) ? groups.flatMap(readGroup) : [];
    return { order: strings(order).slice(0, MOST_ORDERED), groups: named.slice(0, MOST_GROUPS) };
  } catch {
    return NOTHING;
  }
}

function readGroup(group: unknown): Group[] {
  const { name, streams } = (group ?? {}) as { name?: unknown; streams?: unknown };
  const ids = strings(streams);
  return typeof name === 'string' && name !== '' && ids.length > 0 ? [{ name, streams: ids }] : [];
}

function strings(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((one) => typeof one === 'string') : [];
}

export function loadKept(): Kept {
  return readKept(kept(KEY));
}

export function saveKept(now: Kept): void {
  const isEmpty = now.order.length === 0 && now.groups.length === 0;
  keep(KEY, isEmpty ? null : JSON.stringify(now));
}

/** Those that were moved first, in their order; the others by what they are called. */
export function ordered<T extends { id: string }>(
  all: readonly T[],
  order: readonly string[],
  names: ReadonlyMap<string, string>,
): T[] {
  const place = new Map(order.map((id, n) => [id, n]));
  const placeOf = ({ id }: T) => place.get(id) ?? order.length;
  const nameOf = ({ id }: T) => names.get(id) ?? id;
  return all.toSorted((a, b) => placeOf(a) - placeOf(b) || naturalOrder(nameOf(a), nameOf(b)));
}

/** The order with `id` moved by so many places among `shown`. What is not shown now keeps its place behind them. */
export function moved(
  order: readonly string[],
  shown: readonly string[],
  id: string,
  by: number,
): readonly string[] {
  const from = shown.indexOf(id);
  const to = Math.max(0, Math.min(shown.length - 1, from + by));
  if (from < 0 || from === to) return order;
  const next = shown.toSpliced(from, 1).toSpliced(to, 0, id);
  return [...next, ...order.filter((one) => !shown.includes(one))].slice(0, MOST_ORDERED);
}

/** The group that is just these streams, in any order. */
export function groupOf(groups: readonly Group[], chosen: readonly string[]): Group | undefined {
  return groups.find(
    ({ streams }) => streams.length === chosen.length && streams.every((id) => chosen.includes(id)),
  );
}

/** With this group, in the place of one that is called the same. */
export function withGroup(groups: readonly Group[], group: Group): readonly Group[] {
  const others = groups.filter(({ name }) => name !== group.name);
  return [...others, group].slice(-MOST_GROUPS);
}
