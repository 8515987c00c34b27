import type { Tls } from 'sightwire/api';
import { isLoopback } from '../components/loopback';

/** How a server comes to be reached by phones, with their cameras. */
export const LAN_COMMAND = 'sightwire serve --lan';

/** Certificates are made anew 30 days before they end; those from files are somebody's work. */
const SOON_MS = 14 * 86_400_000;

/** Whether what this page sends and gets is encrypted: by the server, or by a proxy in front of it. */
export function isEncrypted({ mode }: Tls, protocol: string): boolean {
  return mode !== 'off' || protocol === 'https:';
}

/** How connections are encrypted. */
export function httpsWords(tls: Tls, protocol: string): string {
  switch (tls.mode) {
    case 'self-signed':
      return 'On, with a certificate of the server’s own authority';
    case 'files':
      return 'On, with a certificate from files';
    case 'off':
      return isEncrypted(tls, protocol) ? 'By a proxy in front of the server' : 'Off';
  }
}

/** Whether somebody has to see to the certificate. */
export function endsSoon({ mode, expires }: Tls, nowMs: number): boolean {
  return mode === 'files' && expires !== null && Date.parse(expires) - nowMs < SOON_MS;
}

/** Where another device gets the authority's certificate; only its path where no address is known. */
export function downloadAt(tls: Tls, { protocol, hostname, port }: Location): string {
  const path = tls.authority?.download ?? '';
  const host = isLoopback(hostname) ? outerName(tls) : hostname;
  if (host === undefined) return path;
  return `${protocol}//${inAddress(host)}${port === '' ? '' : `:${port}`}${path}`;
}

/** This page over HTTPS; null where the server has none. A page that came without it came through a proxy. */
export function httpsAddress(tls: Tls, { hostname, pathname, search }: Location): string | null {
  if (tls.mode === 'off') return null;
  const host = tls.names.includes(hostname) ? hostname : (outerName(tls) ?? hostname);
  return `https://${inAddress(host)}${pathname}${search}`;
}

/** What other devices call the server; they find an address where they may not find a name. */
function outerName({ names }: Tls): string | undefined {
  const outer = names.filter((name) => !isLoopback(name));
  return outer.find((name) => /^[\d.]+$/.test(name)) ?? outer[0];
}

function inAddress(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
