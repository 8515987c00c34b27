import type { Camera, Cameras } from 'sightwire/api';
import { isInTrouble, isLive } from '../state/streamWords';

/** All cameras in one line: how many, how many are live, and how many need somebody. */
export function summary({ cameras }: Pick<Cameras, 'cameras'>): string {
  const count = (is: (camera: Camera) => boolean) => cameras.filter(is).length;
  const live = count(({ stream }) => isLive(stream) && !isInTrouble(stream));
  const trouble = count(({ stream }) => isInTrouble(stream));
  const closed = count(({ stream }) => stream === null);
  const parts = [cameras.length === 1 ? '1 camera' : `${cameras.length} cameras`];
  if (live > 0) parts.push(`${live} live`);
  if (trouble > 0) parts.push(`${trouble} with problems`);
  if (closed > 0) parts.push(`${closed} idle`);
  return parts.join(' · ');
}

/** How many cameras are open of those that may be. */
export function places({ upstreams, max_upstreams }: Cameras): string {
  return `${upstreams} of ${max_upstreams} camera connections in use`;
}
