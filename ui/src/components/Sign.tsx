import { Icon, type IconName } from './Icon';
import css from './Sign.module.css';
import type { Tone } from './StateBadge';

interface Props {
  icon: IconName;
  /** Of the icon; the ground is `--sign` wide, 3rem unless that is set around it. */
  size?: number;
  tone?: 'plain' | Exclude<Tone, 'off'>;
  round?: boolean;
  /** How it stands among what is around it. */
  className?: string | undefined;
}

/** An icon on a ground of its tone: what a card or a message is about. */
export function Sign({ icon, size = 28, tone = 'plain', round = false, className = '' }: Props) {
  return (
    <span className={`${css.sign} ${className}`} data-tone={tone} data-round={round || undefined}>
      <Icon name={icon} size={size} />
    </span>
  );
}
