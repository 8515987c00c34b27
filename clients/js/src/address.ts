import { causeOf, RecognizerError } from './errors.js';

/** The key in the address of a server (`https://vision.example.com?key=sw_…`); null where it has none. */
export function keyOf({ searchParams }: URL): string | null {
  return searchParams.get('key');
}

/** The address of a server, which may lie below a path: http, https, ws or wss. */
export function serverAddress(url: string | undefined): URL {
  const page = typeof location === 'undefined' ? undefined : location;
  let parsed: URL;
  try {
    parsed = new URL(url ?? page?.origin ?? '', page?.href);
    if (!/^(https?|wss?):$/.test(parsed.protocol)) throw new TypeError(parsed.protocol);
  } catch (error) {
    throw new RecognizerError(
      'bad-url',
      'The server’s address is invalid',
      'Set `url`, for example "https://vision.example.com".',
      `${url ?? 'no url'}: ${causeOf(error)}`,
    );
  }
  const { protocol, hostname } = parsed;
  const near = /^(localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
  if (page?.protocol === 'https:' && /^(http|ws):$/.test(protocol) && !near) {
    throw new RecognizerError(
      'mixed-content',
      'An HTTPS page cannot connect to an HTTP server',
      'Put the server behind an HTTPS proxy, and use its address.',
      `${page.origin} to ${parsed.href}`,
    );
  }
  return parsed;
}
