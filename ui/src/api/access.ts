import type { Keys, MadeKey, NewKey, NewUser, Session, User, Users } from 'sightwire/api';
import { getJson, sendJson } from './http';
import { Poll } from './poll';
import { setSession } from './session';

export const keysPoll = new Poll<Keys>('/api/v1/keys');
export const usersPoll = new Poll<Users>('/api/v1/users');

/** Asks the server who we are. */
export async function loadSession(): Promise<void> {
  setSession(await getJson<Session>('/api/v1/session'));
}

export async function logOut(): Promise<void> {
  await sendJson('POST', '/api/v1/logout');
  location.assign('/login');
}

export async function makeKey(wanted: NewKey): Promise<MadeKey> {
  const made = await sendJson<MadeKey>('POST', '/api/v1/keys', wanted);
  keysPoll.refresh();
  if (made === null) throw new Error('the server made no key');
  return made;
}

export async function revokeKey(id: string): Promise<void> {
  await sendJson('DELETE', `/api/v1/keys/${encodeURIComponent(id)}`);
  keysPoll.refresh();
}

export async function addUser(wanted: NewUser): Promise<void> {
  await sendJson<User>('POST', '/api/v1/users', wanted);
  usersPoll.refresh();
}

export async function removeUser(name: string): Promise<void> {
  await sendJson('DELETE', `/api/v1/users/${encodeURIComponent(name)}`);
  usersPoll.refresh();
}
