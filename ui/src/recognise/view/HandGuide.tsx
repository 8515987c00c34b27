import { Icon } from '../../components/Icon';
import { StateBadge } from '../../components/StateBadge';
import { HINTS, type HandView, NEXT } from '../logic/hands';
import css from './HandGuide.module.css';

const BADGES = {
  off: { tone: 'off', icon: 'hand', word: 'not started' },
  none: { tone: 'off', icon: 'eye', word: 'no hand' },
  seen: { tone: 'off', icon: 'hand', word: 'hand seen' },
  free: { tone: 'off', icon: 'hand', word: 'hand seen' },
  arming: { tone: 'busy', icon: 'clock', word: 'arming' },
  armed: { tone: 'ok', icon: 'check', word: 'armed' },
} as const;

/** What the hands are doing, and what to do next. */
export function HandGuide({ view }: { view: HandView }) {
  return (
    <p className={css.guide} data-testid="hand-guide" data-state={view.state}>
      <StateBadge {...BADGES[view.state]} />
      <span>{NEXT[view.state]}</span>
    </p>
  );
}

/** What keeps hands from being seen, on the picture: it comes and goes, and pushes nothing away there. */
export function HandHint({ view }: { view: HandView }) {
  const [hint] = view.hints;
  if (hint === undefined) return null;
  return (
    <p className={css.hint} data-testid="hand-hint">
      <Icon name="alert" size={20} />
      <span>{HINTS[hint]}</span>
    </p>
  );
}
