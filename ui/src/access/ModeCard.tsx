import { Command } from '../components/Command';
import { isLoopback } from '../components/loopback';
import { AccessCard } from './AccessCard';
import { modeWords } from './mode';
import css from './ModeCard.module.css';
import { useStranger } from './useStranger';

const UNKNOWN =
  'This cannot be told from here: what stands in front of the server lets no request through without a log-in.';

/** Whether keys are asked for at all, and how that is changed. */
export function ModeCard() {
  const stranger = useStranger();
  const words =
    typeof stranger === 'object' ? modeWords(stranger, isLoopback(location.hostname)) : null;
  const other = words?.other ?? null;
  return (
    <AccessCard
      title="Who needs a key"
      text={words?.text ?? (stranger === 'unknown' ? UNKNOWN : '')}
    >
      {other !== null && (
        <div className={css.other}>
          <p>{other.text}</p>
          <Command text={other.command} />
        </div>
      )}
    </AccessCard>
  );
}
