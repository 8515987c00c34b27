import type { IconName } from './Icon';

const DRAWN = ['still', 'left', 'right', 'up', 'down', 'push', 'pull', 'wave'] as const;

/** The drawing for a gesture of the built-in models; other labels have none. */
export function gestureIcon(label: string): IconName | null {
  if (label === 'open_palm') return 'hand';
  return DRAWN.find((name) => name === label) ?? null;
}
