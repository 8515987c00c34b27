import { ActionIcon, Tooltip } from '@mantine/core';
import { lazy, type ReactNode, Suspense, useEffect, useMemo, useRef, useState } from 'react';
import { useSession } from '../api/session';
import { useStatus } from '../api/useStatus';
import { Icon } from '../components/Icon';
import { StateBadge } from '../components/StateBadge';
import { serverState } from '../start/serverState';
import { Link } from '../base/Link';
import { Mark } from './Mark';
import { current, pageName, PAGES } from './pageNames';
import { navigate, usePath } from '../base/router';
import { AccountMenu } from '../access/AccountMenu';
import { mayOpen } from '../access/needs';
import { SchemeToggle } from './SchemeToggle';
import { useShortcuts } from '../base/shortcuts';
import css from './Shell.module.css';

// Loaded when it is first asked for: dialogs are a good part of the component library.
const ShortcutHelp = lazy(() => import('./ShortcutHelp'));

/** What all pages share: the bar at the top, the shortcuts, the focus after a change of page. */
export function Shell({ children }: { children: ReactNode }) {
  const path = usePath();
  const main = useRef<HTMLElement>(null);
  const nav = useRef<HTMLElement>(null);
  const [help, setHelp] = useState<'never' | 'open' | 'closed'>('never');
  const { status, failure } = useStatus(3000);
  const server = serverState(status, failure);

  const session = useSession();
  const pages = useMemo(() => PAGES.filter(({ href }) => mayOpen(session, href)), [session]);
  const shortcuts = useMemo(
    () => [
      ...pages.map(({ href, name, key }) => ({
        key,
        what: `Go to ${name}`,
        run: () => navigate(href),
      })),
      { key: '?', what: 'Show this list', run: () => setHelp('open') },
    ],
    [pages],
  );
  useShortcuts('Everywhere', shortcuts);

  const shown = useRef(path);
  useEffect(() => {
    if (shown.current === path) return;
    shown.current = path;
    nav.current?.hidePopover();
    main.current?.focus({ preventScroll: true });
  }, [path]);

  return (
    <>
      {/* Its address is below the page's base, which is that of the start page. */}
      <a
        href="#main"
        className={css.skip}
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to content
      </a>
      <header className={css.bar}>
        <Link href="/" className={css.brand} aria-label="Sightwire, start page">
          <Mark />
          <span className={css.name}>Sightwire</span>
        </Link>
        {/* On a phone the pages are behind this button; elsewhere they stand beside each other. */}
        <button type="button" className={css.pages} popoverTarget="pages">
          <span className={css.here}>{pageName(path)}</span>
          <Icon name="unfold" />
        </button>
        <nav id="pages" ref={nav} popover="auto" className={css.nav} aria-label="Pages">
          {pages.map(({ href, name }) => (
            <Link key={href} href={href} aria-current={current(path, href)}>
              {name}
            </Link>
          ))}
        </nav>
        <div className={css.tools}>
          <span className={css.server}>
            <Tooltip label={server.text ?? server.title}>
              <Link href={server.href} className={css.state}>
                <StateBadge
                  tone={server.tone}
                  icon={server.icon}
                  word={
                    server.part === null ? server.word : <Part of={server.part}>{server.word}</Part>
                  }
                  data-testid="server-state"
                />
              </Link>
            </Tooltip>
          </span>
          <Tooltip label="Keyboard shortcuts">
            <ActionIcon
              className={css.help}
              onClick={() => setHelp('open')}
              aria-label="Keyboard shortcuts"
            >
              <Icon name="help" size={20} />
            </ActionIcon>
          </Tooltip>
          <SchemeToggle className={css.scheme} />
          <AccountMenu />
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1} className={css.main}>
        {children}
      </main>
      {help !== 'never' && (
        <Suspense fallback={null}>
          <ShortcutHelp opened={help === 'open'} onClose={() => setHelp('closed')} />
        </Suspense>
      )}
    </>
  );
}

/** A part of the server and its state; a phone has room for the part, and the colour says the rest. */
function Part({ of, children }: { of: string; children: string }) {
  return (
    <span>
      {of}
      <span className={css.word}>: {children}</span>
    </span>
  );
}
