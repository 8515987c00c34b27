import type { ReactNode } from 'react';
import css from './NotFound.module.css';
import { Sign } from './Sign';

/** What stands at an address where there is nothing: why, and the way on. */
export function NotFound({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={css.unknown}>
      <title>{`${title} · Sightwire`}</title>
      <Sign icon="search" />
      <h1 className={css.title}>{title}</h1>
      {children}
    </section>
  );
}
