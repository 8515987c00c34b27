/**
 * Where this server's paths begin in the address of the page: nothing or, behind a proxy that has more than this server, such
 * as `/sightwire`. The server says it in the page's `<base>`.
 */
export function basePath(baseUri: string): string {
  return new URL('.', baseUri).pathname.replace(/\/+$/, '');
}

const BASE = typeof document === 'undefined' ? '' : basePath(document.baseURI);

/** The path of this server as the browser asks for it. */
export function at(path: string): string {
  return BASE + path;
}

/** The address of this server, as its clients take it. */
export function ownAddress(): string {
  return location.origin + BASE;
}

/** What follows the base in a path that the browser shows. */
export function within(pathname: string, base = BASE): string {
  if (base === '') return pathname;
  if (pathname === base) return '/';
  return pathname.startsWith(`${base}/`) ? pathname.slice(base.length) : pathname;
}
