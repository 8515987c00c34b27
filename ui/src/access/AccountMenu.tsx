import { ActionIcon, Tooltip } from '@mantine/core';
import { useRef, useState } from 'react';
import { logOut } from '../api/access';
import { sentence } from '../api/http';
import { may, useSession } from '../api/session';
import { Link } from '../base/Link';
import { useScheme } from '../components/useScheme';
import { Icon } from '../components/Icon';
import css from './AccountMenu.module.css';
import { aRole, scopeWords } from './words';

/** Who uses this page, the way out, and for those who may the way to keys and users. */
export function AccountMenu() {
  const session = useSession();
  const scheme = useScheme();
  const menu = useRef<HTMLDivElement>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [isOpen, setOpen] = useState(false);
  if (session?.role == null) return null;
  const { name, role, csrf } = session;
  // Whoever is not logged in and manages nothing has nothing to do here.
  if (csrf === null && !may(session, 'admin')) return null;
  return (
    <>
      <Tooltip label={`${name ?? 'You'}: ${role}`} disabled={isOpen}>
        <ActionIcon popoverTarget="account" aria-label={`Account: ${name ?? ''}, ${role}`}>
          <Icon name="person" size={20} />
        </ActionIcon>
      </Tooltip>
      <div
        id="account"
        ref={menu}
        popover="auto"
        className={css.menu}
        onToggle={(event) => setOpen(event.newState === 'open')}
      >
        <p className={css.name}>{name}</p>
        <p className={css.about}>
          {aRole(role)} · {scopeWords(session)}
        </p>
        {may(session, 'admin') && (
          <Link href="/access" className={css.item} onClick={() => menu.current?.hidePopover()}>
            <Icon name="key" />
            Keys and users
          </Link>
        )}
        <button type="button" className={`${css.item} ${css.colours}`} onClick={scheme.next}>
          <Icon name={scheme.icon} />
          {scheme.words}
        </button>
        {csrf !== null && (
          <button
            type="button"
            className={css.item}
            onClick={() => void logOut().catch((error: unknown) => setProblem(sentence(error)))}
          >
            <Icon name="close" />
            Log out
          </button>
        )}
        {problem !== null && <p role="alert">{problem}</p>}
      </div>
    </>
  );
}
