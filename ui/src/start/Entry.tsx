import type { ReactNode } from 'react';
import { UNKNOWN } from '../components/format';
import { Icon, type IconName } from '../components/Icon';
import css from './Entry.module.css';

interface Props {
  id: string;
  icon: IconName;
  title: string;
  line: string;
  /** Buttons; the first is the usual way in. */
  actions: ReactNode;
  /** How things are there. */
  children: ReactNode;
}

/** The way to one of the things that the server does. */
export function Entry({ id, icon, title, line, actions, children }: Props) {
  return (
    <section className={`card ${css.entry}`} aria-labelledby={`entry-${id}`}>
      <div className={css.head}>
        <span className={css.sign}>
          <Icon name={icon} size={28} />
        </span>
        <div>
          <h2 id={`entry-${id}`} className={css.title}>
            {title}
          </h2>
          <p className={css.line}>{line}</p>
        </div>
      </div>
      <div className={css.actions}>{actions}</div>
      <div className={css.more}>{children}</div>
    </section>
  );
}

interface FactsProps {
  caption: string;
  /** Beside the caption. */
  state: ReactNode;
  facts: readonly (readonly [name: string, value: string | null | undefined])[];
  'data-testid': string;
}

/** A few numbers under a caption. */
export function EntryFacts({ caption, state, facts, ...rest }: FactsProps) {
  return (
    <>
      <p className={css.captionLine}>
        <span className="caption">{caption}</span>
        {state}
      </p>
      <dl className={css.facts} {...rest}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="number">{value ?? UNKNOWN}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
