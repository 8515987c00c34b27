import type { Role, Session, Use } from 'sightwire/api';
import { may } from '../api/session';

/** What it takes to do something. */
export interface Need {
  role: Role;
  use?: Use;
}

/** What the pages take that not everyone may open. */
export const NEEDS = {
  '/recognise': { role: 'streamer', use: 'signs' },
  '/broadcast': { role: 'streamer', use: 'relay' },
  '/read': { role: 'streamer', use: 'reading' },
  '/access': { role: 'admin' },
} satisfies Record<string, Need>;

export type GatedPage = keyof typeof NEEDS;

/** Whether a page is of use to somebody; null: nobody knows who that is. */
export function mayOpen(who: Session | null, page: string): boolean {
  const need = (NEEDS as Record<string, Need | undefined>)[page];
  return who === null || need === undefined || may(who, need.role, need.use);
}
