/** Shorter lists are seen at a glance. */
export const FIND_FROM = 10;

/** Whether one of these has what is looked for in it. */
export function isFound(find: string, ...texts: readonly string[]): boolean {
  const wanted = find.trim().toLowerCase();
  return texts.some((text) => text.toLowerCase().includes(wanted));
}
