import { type ReactNode, useId } from 'react';
import { KEY, useKeyNeeded } from '../api/programs';
import { useMay } from '../api/session';
import { Link } from '../base/Link';
import css from './Snippets.module.css';

interface Props {
  title?: string;
  /** What the code does. */
  lead: ReactNode;
  /** What is to be said or copied before the code. */
  before?: ReactNode;
  /** Each a `Snippet`. */
  children: ReactNode;
}

/** The same for other programs: code to paste, with the address filled in. */
export function Snippets({ title = 'From your own program', lead, before, children }: Props) {
  const id = useId();
  return (
    <section aria-labelledby={id}>
      <h2 id={id} className={css.heading}>
        {title}
      </h2>
      <p className={css.lead}>
        {lead}
        {useKeyNeeded() && <KeyHint />}
      </p>
      {before}
      <div className={css.grid}>{children}</div>
    </section>
  );
}

/** Code that is pasted as it stands is refused by a server that asks for keys. */
function KeyHint() {
  const admin = useMay('admin');
  return (
    <>
      {' '}
      Put a {admin ? <Link href="/access">key</Link> : 'key'} in place of <code>{KEY}</code>.
    </>
  );
}
