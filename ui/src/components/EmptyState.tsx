import type { ReactNode } from 'react';
import css from './EmptyState.module.css';
import type { IconName } from './Icon';
import { Sign } from './Sign';

interface Props {
  icon: IconName;
  title: string;
  /** What this is, and how it comes to be filled. */
  text: string;
  /** As wide as what is around it, where the page has more than this. */
  wide?: boolean;
  /** Something that can be dropped here is held over the page; undefined where nothing can. */
  over?: boolean;
  /** What can be done about it: `Actions`, and what else there is to say. */
  children: ReactNode;
}

/** What stands where there is nothing yet. A page has one. */
export function EmptyState({ icon, title, text, wide = false, over, children }: Props) {
  return (
    <section
      className={`card ${css.empty}`}
      aria-labelledby="empty"
      data-wide={wide || undefined}
      data-drop={over === undefined ? undefined : over ? 'over' : 'waiting'}
    >
      <Sign icon={icon} />
      <h2 id="empty" className={css.title}>
        {title}
      </h2>
      <p className={css.text}>{text}</p>
      {children}
    </section>
  );
}

/** Buttons beside each other; on phones one below the other. */
export function Actions({ children }: { children: ReactNode }) {
  return <div className={css.actions}>{children}</div>;
}
