/** What the bar leads to. */
export const PAGES = [
  { href: '/', name: 'Start', key: '1' },
  { href: '/recognise', name: 'Recognise', key: '2' },
  { href: '/cameras', name: 'Cameras', key: '3' },
  { href: '/broadcast', name: 'Broadcast', key: '4' },
  { href: '/wall', name: 'Wall', key: '5' },
  { href: '/read', name: 'Read text', key: '6' },
  { href: '/health', name: 'Health', key: '7' },
] as const;

/** Whether a page is shown, or one below it. */
export function current(path: string, href: string): 'page' | 'true' | undefined {
  if (path === href) return 'page';
  return href !== '/' && path.startsWith(`${href}/`) ? 'true' : undefined;
}

/** What the page at a path is called, also where the bar does not lead to it. */
export function pageName(path: string): string {
  const known = PAGES.find(({ href }) => current(path, href) !== undefined);
  return known?.name ?? (path === '/access' ? 'Access' : 'Not found');
}
