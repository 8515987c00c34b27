import { NONE } from './labels';

const REST = new Set([NONE, 'still', 'background', 'nothing', 'idle', 'rest']);

/** Whether a label says that nothing happens: grey where it is shown, and no word of a sentence. */
export function isRest(label: string): boolean {
  return REST.has(label.toLowerCase());
}
