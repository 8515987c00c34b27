import type { ReactNode } from 'react';
import { UNKNOWN } from '../components/format';
import type { IconName } from '../components/Icon';
import { Sign } from '../components/Sign';
import css from './Entry.module.css';

interface Props {
  id: string;
  icon: IconName;
  title: string;
  line: string;
  children: ReactNode;
}

/** The way to one of the things that the server does. */
export function Entry({ id, icon, title, line, children }: Props) {
  return (
    <section className={`card ${css.entry}`} aria-labelledby={id}>
      <div className={css.head}>
        <Sign icon={icon} />
        <div>
          <h2 id={id} className={css.title}>
            {title}
          </h2>
          <p className={css.line}>{line}</p>
        </div>
      </div>
      {children}
    </section>
  );
}

type Fact = readonly [name: string, value: string | null | undefined];

/** A few numbers. */
export function EntryFacts({ facts, ...rest }: { facts: readonly Fact[]; 'data-testid': string }) {
  return (
    <dl className={css.facts} {...rest}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className="number">{value ?? UNKNOWN}</dd>
        </div>
      ))}
    </dl>
  );
}
