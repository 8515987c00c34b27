import type { IconName } from './Icon';

const DRAWN = ['still', 'left', 'right', 'up', 'down', 'push', 'pull', 'wave'] as const;

/** The drawing for a gesture of the built-in model; other labels have none. */
export function gestureIcon(label: string): IconName | null {
  return DRAWN.find((name) => name === label) ?? null;
}
