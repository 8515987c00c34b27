import type { DetectorStatus } from 'sightwire/api';
import { formatPercent, spell } from '../../components/format';
import { Icon } from '../../components/Icon';
import { Progress } from '../../components/Progress';
import { StateBadge, type Tone } from '../../components/StateBadge';
import type { IconName } from '../../components/Icon';
import { Details } from '../../components/Details';
import { splitNote } from './splitNote';
import css from './ModelNote.module.css';

const STATES: Record<DetectorStatus['state'], { tone: Tone; icon: IconName; word: string }> = {
  idle: { tone: 'off', icon: 'pause', word: 'not loaded' },
  loading: { tone: 'busy', icon: 'clock', word: 'loading' },
  ready: { tone: 'ok', icon: 'check', word: 'ready' },
  fetching: { tone: 'busy', icon: 'download', word: 'downloading' },
  failed: { tone: 'bad', icon: 'alert', word: 'failed' },
};

/** What finds the objects, whether it is ready, and why it is this one. */
export function ModelNote({ detector }: { detector: DetectorStatus | undefined }) {
  if (detector === undefined) return <div className={css.model} />;
  const { model, state, note, progress, provider, precision } = detector;
  const { tone, icon, word } = STATES[state];
  const on = [provider, precision].filter((part) => part !== null).map(spell);
  const share = state === 'fetching' && progress !== null ? ` ${formatPercent(progress)} %` : '';
  return (
    <div className={css.model} data-testid="detector">
      <div className={css.line}>
        <Icon name="model" />
        <span className={css.name}>
          Detected by <strong>{model}</strong>
          {on.length > 0 && <span className={css.soft}> on {on.join(', ')}</span>}
        </span>
        <StateBadge tone={tone} icon={icon} word={`${word}${share}`} />
      </div>
      {state === 'fetching' && <Progress label="Downloading the model" value={progress} />}
      {note !== null && <Note note={note} />}
    </div>
  );
}

function Note({ note }: { note: string }) {
  const { text, cause } = splitNote(note);
  return (
    <>
      <p className={css.note}>{text}</p>
      {cause !== null && <Details cause={cause} />}
    </>
  );
}
