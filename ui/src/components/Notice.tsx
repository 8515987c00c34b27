import type { ReactNode } from 'react';
import { Details } from './Details';
import { Icon, type IconName } from './Icon';
import css from './Notice.module.css';

interface Props {
  tone: 'busy' | 'warn' | 'bad';
  icon: IconName;
  title: string;
  children?: ReactNode;
  cause?: string | null;
  'data-testid'?: string;
}

/** One thing that a person should know, across the width of what it concerns. */
export function Notice({ tone, icon, title, children, cause = null, ...rest }: Props) {
  return (
    <div
      className={css.notice}
      data-tone={tone}
      role={tone === 'bad' ? 'alert' : 'status'}
      {...rest}
    >
      <Icon name={icon} size={20} />
      <div className={css.body}>
        <p className={css.title}>{title}</p>
        {children !== undefined && <div className={css.text}>{children}</div>}
        {cause !== null && <Details cause={cause} />}
      </div>
    </div>
  );
}
