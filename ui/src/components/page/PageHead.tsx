import type { ReactNode } from 'react';
import css from './PageHead.module.css';

interface Props {
  title: string;
  /** How things are, in one line. */
  line: ReactNode;
  lineId: string;
  /** Where the content is what is looked at: on one line, and on phones without the line. */
  compact?: boolean;
  /** Buttons, or a state. */
  children?: ReactNode;
}

/** What a page is, how things are there, and what can be done. */
export function PageHead({ title, line, lineId, compact = false, children }: Props) {
  return (
    <header className={css.head} data-compact={compact || undefined}>
      <div className={css.words}>
        <h1 className={css.title}>{title}</h1>
        <p className={`number ${css.line}`} data-testid={lineId}>
          {line}
        </p>
      </div>
      {children}
    </header>
  );
}
