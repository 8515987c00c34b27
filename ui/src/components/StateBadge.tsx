import type { ReactNode } from 'react';
import { Icon, type IconName } from './Icon';
import css from './StateBadge.module.css';

export type Tone = 'ok' | 'busy' | 'warn' | 'bad' | 'off';

interface Props {
  tone: Tone;
  icon: IconName;
  word: ReactNode;
  'data-testid'?: string;
}

/** A state as icon, word and colour; never by colour alone. */
export function StateBadge({ tone, icon, word, ...rest }: Props) {
  return (
    <span className={css.badge} data-tone={tone} {...rest}>
      <Icon name={icon} size={16} />
      {word}
    </span>
  );
}
