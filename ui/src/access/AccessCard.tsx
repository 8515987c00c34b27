import type { ReactNode } from 'react';
import css from './AccessCard.module.css';

interface Props {
  title: string;
  /** What this is. */
  text: ReactNode;
  /** What can be done, beside the title. */
  action?: ReactNode;
  children: ReactNode;
}

/** One part of the page of keys and users. */
export function AccessCard({ title, text, action, children }: Props) {
  return (
    <section className={`card ${css.card}`} aria-label={title}>
      <header className={css.head}>
        <div>
          <h2 className={css.title}>{title}</h2>
          <p className={css.text}>{text}</p>
        </div>
        {action}
      </header>
      {children}
    </section>
  );
}
