import { naturalOrder } from '../components/naturalOrder';
import type { Tone } from '../components/StateBadge';

interface Named {
  name: string;
  tone: Tone;
}

/** What is seen first where not all is: trouble, then cameras and streams in turn. */
export function nowOrder<T extends Named>(cameras: readonly T[], streams: readonly T[]): T[] {
  const all = byName([...cameras, ...streams]);
  const calm = (some: readonly T[]) => byName(some.filter((one) => !isTroubled(one)));
  return [
    ...all.filter(({ tone }) => tone === 'bad'),
    ...all.filter(({ tone }) => tone === 'warn'),
    ...inTurn(calm(cameras), calm(streams)),
  ];
}

function isTroubled({ tone }: Named): boolean {
  return tone === 'bad' || tone === 'warn';
}

function byName<T extends Named>(all: readonly T[]): T[] {
  return all.toSorted((a, b) => naturalOrder(a.name, b.name));
}

/** One of each as long as there are both. */
function inTurn<T>(some: readonly T[], others: readonly T[]): T[] {
  const most = Math.max(some.length, others.length);
  return Array.from({ length: most }, (_, n) => [
    ...some.slice(n, n + 1),
    ...others.slice(n, n + 1),
  ]).flat();
}
