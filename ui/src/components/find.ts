/** Shorter lists are seen at a glance. */
export const FIND_FROM = 10;

/** What is said where nothing has it. */
export const NOT_FOUND = 'Nothing is found.';

/** Whether one of these has what is looked for in it. */
export function isFound(find: string, ...texts: readonly string[]): boolean {
  const wanted = find.trim().toLowerCase();
  return texts.some((text) => text.toLowerCase().includes(wanted));
}
