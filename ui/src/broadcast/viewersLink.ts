import type { ViewersLink } from 'sightwire/api';

/** A link for others, and what whoever gives it out should know. */
export interface Shared {
  url: string;
  note: string;
  /** Until when it may be copied again, Unix time in ms; after that another one is made. */
  untilMs: number;
}

/** Shorter than this is not worth giving out. */
const LEAST_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** What becomes of the server's answer on a page of this address. */
export function shared(
  { path, origin, expires }: ViewersLink,
  page: { address: string; isLocal: boolean },
  nowMs: number,
): Shared {
  // Others find this machine by another name than whoever sits at it.
  const base = page.isLocal && origin !== null ? origin : page.address;
  const isAlone = page.isLocal && origin === null;
  const endsMs = expires === null ? null : Date.parse(expires);
  const parts = [
    ...(isAlone
      ? ['Only this machine can open it: the server listens on no other address.']
      : ['Whoever has the link can watch.']),
    ...(endsMs === null ? [] : [`It works until ${until(endsMs, nowMs)}.`]),
  ];
  return {
    url: base + path,
    note: parts.join(' '),
    untilMs: endsMs === null ? Infinity : endsMs - LEAST_MS,
  };
}

function until(endsMs: number, nowMs: number): string {
  const clock = new Date(endsMs).toLocaleTimeString('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
  });
  if (new Date(endsMs).toDateString() === new Date(nowMs).toDateString()) return clock;
  const isTomorrow = new Date(endsMs).toDateString() === new Date(nowMs + DAY_MS).toDateString();
  const day = new Date(endsMs).toLocaleDateString('en-GB', { day: 'numeric', month: 'long' });
  return `${clock} ${isTomorrow ? 'tomorrow' : `on ${day}`}`;
}
