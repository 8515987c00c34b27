import type {
  Keys,
  LoginLink,
  MadeKey,
  NewKey,
  NewUser,
  Session,
  Tls,
  User,
  Users,
} from 'sightwire/api';
import { getJson, RequestError, sendJson } from './http';
import { Poll } from './poll';
import { setSession } from './session';
import { at } from '../base/basePath';

export const keysPoll = new Poll<Keys>('/api/v1/keys');
export const usersPoll = new Poll<Users>('/api/v1/users');

/** How connections to the server are encrypted. */
export const tlsPoll = new Poll<Tls>('/api/v1/tls');

const AGAIN_MS = 3000;

/** Asks the server who we are, until it says so. */
export async function loadSession(): Promise<void> {
  try {
    setSession(await getJson<Session>('/api/v1/session'));
  } catch {
    // The pages show meanwhile, and the bar says that the server is not there.
    setSession(null);
    setTimeout(() => void loadSession(), AGAIN_MS);
  }
}

/** Who a request is of that brings neither a key nor the session of this page. */
export async function sessionOfStranger(signal: AbortSignal): Promise<Session> {
  const init: RequestInit = { credentials: 'omit', cache: 'no-store', signal };
  const response = await fetch(at('/api/v1/session'), init);
  if (!response.ok) throw new RequestError(response.statusText, response.status);
  return (await response.json()) as Session;
}

export async function logOut(): Promise<void> {
  leaving = true;
  try {
    await sendJson('POST', '/api/v1/logout');
  } catch (error) {
    leaving = false;
    throw error;
  }
  location.assign(at('/login'));
}

let leaving = false;

/** Whether somebody logs out: nothing more is asked for, which they may not have any more. */
export function isLeaving(): boolean {
  return leaving;
}

export async function makeKey(wanted: NewKey): Promise<MadeKey> {
  const made = await sendJson<MadeKey>('POST', '/api/v1/keys', wanted);
  keysPoll.refresh();
  if (made === null) throw new Error('the server made no key');
  return made;
}

/** A link that logs one device in, once, with a new key. */
export async function makeLink(wanted: NewKey): Promise<LoginLink> {
  const made = await sendJson<LoginLink>('POST', '/api/v1/login-links', wanted);
  keysPoll.refresh();
  if (made === null) throw new Error('the server made no link');
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
