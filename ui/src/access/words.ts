import type { Key, Role, Session, Use, User } from 'sightwire/api';

export const ROLES: readonly Role[] = ['viewer', 'streamer', 'operator', 'admin'];
export const USES: readonly Use[] = ['cameras', 'reading', 'relay', 'signs'];

/** What each role may, beside what those before it may. */
export const MAY: Record<Role, string> = {
  viewer: 'Sees streams, and what is found in them',
  streamer: 'Also sends frames, streams and pictures',
  operator: 'Also changes cameras and models, ends streams',
  admin: 'Also manages keys and users',
};

export function aRole(role: Role): string {
  return role === 'viewer' || role === 'streamer' ? `a ${role}` : `an ${role}`;
}

/** ` for cameras and relay`; nothing where it is for all. */
export function whatFor({ uses }: Pick<Session, 'uses'>): string {
  if (uses.length === 0) return '';
  return ` for ${new Intl.ListFormat('en').format(uses)}`;
}

/** Of what somebody may see or do something: `gate-*, yard · cameras`. */
export function scopeWords({ streams, uses }: Pick<Key | User, 'streams' | 'uses'>): string {
  const parts = [
    streams.length === 0 ? 'all streams' : streams.join(', '),
    uses.length === 0 ? 'all uses' : uses.join(', '),
  ];
  return parts.join(' · ');
}

/** Patterns as somebody writes them into one field. */
export function patternsOf(text: string): string[] {
  return text
    .split(',')
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== '');
}

/** `3 Dec 2026`. */
export function dayWords(time: string): string {
  return new Date(time).toLocaleDateString(undefined, { dateStyle: 'medium' });
}

/** `until 3 Dec 2026`, `never expires`, `expired`. */
export function untilWords({ expired, expires }: Pick<Key, 'expired' | 'expires'>): string {
  if (expired) return 'expired';
  return expires === null ? 'never expires' : `until ${dayWords(expires)}`;
}
