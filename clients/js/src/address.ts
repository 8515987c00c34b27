import { causeOf, RecognizerError } from './errors.js';

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
      'The server’s address is not one',
      'Give `url` as in "https://vision.example.com".',
      `${url ?? 'no url'}: ${causeOf(error)}`,
    );
  }
  const { protocol, hostname } = parsed;
  const near = /^(localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
  if (page?.protocol === 'https:' && /^(http|ws):$/.test(protocol) && !near) {
    throw new RecognizerError(
      'mixed-content',
      'A page over https may not talk to a server over http',
      'Put the server behind a proxy with https, and give that address.',
      `${page.origin} to ${parsed.href}`,
    );
  }
  return parsed;
}
