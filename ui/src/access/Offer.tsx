import type { ReactNode } from 'react';
import type { Role, Use } from 'sightwire/api';
import { useMay } from '../api/session';
import { Icon } from '../components/Icon';
import css from './Offer.module.css';
import { aRole } from './words';

interface Props {
  role: Role;
  use?: Use;
  /** What is offered, as the beginning of a sentence. */
  what: string;
  children: ReactNode;
}

/** Something to do, for those who may do it; others read who may. */
export function Offer({ role, use, what, children }: Props) {
  if (useMay(role, use)) return children;
  return (
    <p className={css.who}>
      <Icon name="key" />
      {what} takes {aRole(role)}.
    </p>
  );
}
