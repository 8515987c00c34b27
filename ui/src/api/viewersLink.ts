import type { ViewersLink } from 'sightwire/api';
import { sendJson } from './http';

/** Has a link made with which others watch this stream. */
export async function makeViewersLink(stream: string): Promise<ViewersLink> {
  const path = `/api/v1/streams/${encodeURIComponent(stream)}/links`;
  const made = await sendJson<ViewersLink>('POST', path);
  if (made === null) throw new Error('the server made no link');
  return made;
}
