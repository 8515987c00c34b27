/**
 * Loads pages that nobody has opened yet, one after the other. It ends at the first that cannot be had, and when `stop` says so: a key that
 * was revoked is refused them all.
 */
export async function preloadPages(
  pages: readonly (() => Promise<unknown>)[],
  stop: () => boolean,
) {
  for (const load of pages) {
    if (stop()) return;
    try {
      await load();
    } catch {
      return;
    }
  }
}
