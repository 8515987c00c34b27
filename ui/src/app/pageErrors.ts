import type { PageError } from 'sightwire/api';
import { csrfHeader } from '../api/session';
import { at, within } from '../base/basePath';

/** Of one page: what fails again and again is known after a few. */
const MOST = 5;
const LONGEST = 1000;

let told = 0;
const known = new Set<string>();

/** What the server is told of an error: never what was typed or seen, as far as an error does not say it itself. */
export function described(error: unknown, place = ''): PageError {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const first = stack?.split('\n').find((line) => /:\d+:\d+/.test(line)) ?? '';
  return {
    message: `${name}: ${message}`.slice(0, LONGEST),
    page: within(location.pathname),
    place: (place || first.trim()).slice(0, LONGEST),
  };
}

/** Tells the server, so that whoever runs it learns of it. Nothing waits for it, and a failure is silent. */
export function tell(error: unknown, place = ''): void {
  const body = described(error, place);
  const key = body.message + body.place;
  if (told >= MOST || known.has(key)) return;
  told += 1;
  known.add(key);
  const headers = { 'content-type': 'application/json', ...csrfHeader('POST') };
  void fetch(at('/api/v1/page-errors'), {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
    keepalive: true,
  }).catch(() => null);
}

/** Tells of whatever nobody catches. */
export function watchErrors(): void {
  addEventListener('error', ({ error, message, filename, lineno, colno }) =>
    tell(error ?? message, filename === '' ? '' : `${filename}:${lineno}:${colno}`),
  );
  addEventListener('unhandledrejection', ({ reason }) => tell(reason));
}
