import { Command } from '../components/Command';
import { AccessCard } from './AccessCard';
import { modeWords } from './mode';
import css from './ModeCard.module.css';
import { useStranger } from './useStranger';

/** Whether keys are asked for at all, and how that is changed. */
export function ModeCard() {
  const stranger = useStranger();
  const words = stranger === null ? null : modeWords(stranger);
  const other = words?.other ?? null;
  return (
    <AccessCard title="Who needs a key" text={words?.text ?? 'Not known yet.'}>
      {other !== null && (
        <div className={css.other}>
          <p>{other.text}</p>
          <Command text={other.command} />
        </div>
      )}
    </AccessCard>
  );
}
