import type { Tls } from 'sightwire/api';
import { describe, expect, it } from 'vitest';
import { downloadAt, endsSoon, httpsAddress, httpsWords, isEncrypted } from './https';

const tls = (more: Partial<Tls>): Tls => ({
  authority: null,
  expires: null,
  mode: 'off',
  names: [],
  ...more,
});

describe('how connections are encrypted', () => {
  it('is told from the server and from how this page came', () => {
    expect(isEncrypted(tls({}), 'http:')).toBe(false);
    expect(isEncrypted(tls({}), 'https:')).toBe(true);
    expect(isEncrypted(tls({ mode: 'files' }), 'https:')).toBe(true);
    expect(httpsWords(tls({}), 'http:')).toBe('Off');
    expect(httpsWords(tls({}), 'https:')).toMatch(/proxy/);
    expect(httpsWords(tls({ mode: 'self-signed' }), 'https:')).toMatch(/own authority/);
  });

  it('is warned of only where somebody has to renew the certificate', () => {
    const expires = '2031-06-15T12:00:00Z';
    const days = (n: number) => Date.parse(expires) - n * 86_400_000;
    expect(endsSoon(tls({ mode: 'files', expires }), days(15))).toBe(false);
    expect(endsSoon(tls({ mode: 'files', expires }), days(13))).toBe(true);
    expect(endsSoon(tls({ mode: 'self-signed', expires }), days(13))).toBe(false);
  });
});

describe('where another device gets the authority', () => {
  const authority = { download: '/login/authority.crt', expires: '', fingerprint: '' };
  const at = (url: string, names: string[]) =>
    downloadAt(tls({ authority, names }), new URL(url) as unknown as Location);

  it('is where this page came from, unless that is this machine alone', () => {
    expect(at('https://camera.test:8000/access', [])).toBe(
      'https://camera.test:8000/login/authority.crt',
    );
    const names = ['localhost', 'box', '127.0.0.1', '10.0.0.5', 'fd00::5'];
    expect(at('https://localhost:8000/', names)).toBe('https://10.0.0.5:8000/login/authority.crt');
    expect(at('https://localhost/', ['box', '::1'])).toBe('https://box/login/authority.crt');
    expect(at('https://[::1]/', ['::1', 'fd00::5'])).toBe('https://[fd00::5]/login/authority.crt');
    expect(at('https://127.0.0.1:8000/', ['localhost'])).toBe('/login/authority.crt');
  });
});

describe('this page over HTTPS', () => {
  const at = (more: Partial<Tls>) =>
    httpsAddress(tls(more), new URL('http://cam.test/read?x=1') as unknown as Location);

  it('is where the certificate counts, if the server has one', () => {
    expect(at({})).toBeNull();
    const mode = 'files';
    expect(at({ mode, names: ['a.test', 'cam.test'] })).toBe('https://cam.test/read?x=1');
    expect(at({ mode, names: ['a.test'] })).toBe('https://a.test/read?x=1');
  });
});
