const KEY = 'sightwire.broadcast';
/** Without those that are read as another. */
const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789';

/** A name for who has not chosen one: the same as long as the tab lives, another in each tab. */
export function suggestedName(): string {
  try {
    const kept = sessionStorage.getItem(KEY);
    if (kept !== null) return kept;
    const made = makeName(crypto.getRandomValues(new Uint8Array(4)));
    sessionStorage.setItem(KEY, made);
    return made;
  } catch {
    // Without storage it lasts as long as the page.
    return makeName(crypto.getRandomValues(new Uint8Array(4)));
  }
}

export function makeName(random: Uint8Array): string {
  return `stream-${Array.from(random, (value) => LETTERS[value % LETTERS.length]).join('')}`;
}
