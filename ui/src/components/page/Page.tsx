import type { ReactNode } from 'react';
import css from './Page.module.css';

interface Props {
  /** What the browser's tab says. */
  title: string;
  /** Sets `--page-width`, and where a page needs it, `--page-top`, `--page-gap` or `--columns`. */
  className?: string | undefined;
  /** Two columns beside each other where there is room, as `--columns` says. */
  columns?: boolean;
  children: ReactNode;
}

/** The frame of a page: how wide it is, and what it leaves free around it. */
export function Page({ title, className = '', columns = false, children }: Props) {
  return (
    <div className={`${css.page} ${className}`} data-columns={columns || undefined}>
      <title>{title}</title>
      {children}
    </div>
  );
}

/** One of two columns; the other parts of such a page go across both. */
export function Column({ className = '', children }: Pick<Props, 'className' | 'children'>) {
  return <div className={`${css.column} ${className}`}>{children}</div>;
}
