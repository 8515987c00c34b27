import { StateBadge } from '../../components/StateBadge';
import { HINTS, type HandView, NEXT } from '../logic/hands';
import css from './HandGuide.module.css';

const BADGES = {
  none: { tone: 'off', icon: 'eye', word: 'no hand' },
  seen: { tone: 'off', icon: 'hand', word: 'hand seen' },
  arming: { tone: 'busy', icon: 'clock', word: 'arming' },
  armed: { tone: 'ok', icon: 'check', word: 'armed' },
} as const;

/** What the hands are doing, what to do next, and what keeps them from being seen. */
export function HandGuide({ view }: { view: HandView }) {
  const badge = BADGES[view.state];
  const [hint] = view.hints;
  return (
    <p className={css.guide} data-testid="hand-guide" data-state={view.state}>
      <StateBadge {...badge} />
      <span className={css.words}>
        <span>{NEXT[view.state]}</span>
        {hint !== undefined && <strong data-testid="hand-hint">{HINTS[hint]}</strong>}
      </span>
    </p>
  );
}
