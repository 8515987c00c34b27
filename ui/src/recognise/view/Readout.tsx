import { useCallback, useRef } from 'react';
import { formatPercent } from '../../components/format';
import { gestureIcon } from '../../components/gestureIcon';
import { Icon } from '../../components/Icon';
import { labelWords } from '../../components/labelWords';
import { NONE } from '../logic/labels';
import type { Session } from '../session';
import type { Snapshot } from '../snapshot';
import { classColour } from './classColour';
import { useFrameLoop } from './useFrameLoop';
import css from './Readout.module.css';

interface Props {
  session: Session;
  snapshot: Snapshot;
  labels: readonly string[];
  window: number;
  threshold: number;
  /** The model is being changed to this one. */
  switchingTo: string | null;
}

/** Names of more letters are written smaller. */
const LONG = 8;

/** The label, large enough to read from across the room. */
export function Readout(props: Props) {
  const { session, snapshot, labels, window, threshold, switchingTo } = props;
  const { label, score, phase } = snapshot;
  const drawn = label === null ? null : gestureIcon(label);
  const known = label !== null && label !== NONE;
  return (
    <section
      className={`card ${css.readout}`}
      aria-label="Result"
      data-known={known || undefined}
      data-stale={snapshot.answerAgeMs !== null || undefined}
    >
      <div className={css.top}>
        <h2 className="caption">Recognised</h2>
        <Newest session={session} active={phase === 'running'} />
      </div>
      <div
        className={css.main}
        style={{ color: known ? classColour(labels, labels.indexOf(label)) : undefined }}
      >
        <span className={css.sign} hidden={!known}>
          {drawn === null ? known && <span className={css.dot} /> : <Icon name={drawn} size={40} />}
        </span>
        <span
          className={css.label}
          data-long={(label !== null && label.length > LONG) || undefined}
          data-testid="label"
        >
          {label === null ? '–' : labelWords(label)}
        </span>
        <span className={`number ${css.score}`} data-unknown={score === null || undefined}>
          <span data-testid="score">{formatPercent(score)}</span>
          <span className={css.unit}>%</span>
        </span>
      </div>
      <p className={css.hint}>{hint(snapshot, window, threshold, switchingTo)}</p>
    </section>
  );
}

function hint(
  snapshot: Snapshot,
  window: number,
  threshold: number,
  switchingTo: string | null,
): string {
  const { phase, label, connection, answerAgeMs } = snapshot;
  if (phase !== 'running') return 'Start a source to see results.';
  if (connection.state !== 'live') return 'No results without a connection.';
  if (switchingTo !== null) return `Switching to the model ${switchingTo}.`;
  if (answerAgeMs !== null) return `This result is ${Math.floor(answerAgeMs / 1000)} s old.`;
  const frames = window === 1 ? 'frame' : `${window} frames`;
  if (label === null) return `Waiting for the first result, after the first ${frames}.`;
  const percent = formatPercent(threshold);
  if (label === NONE && snapshot.hands !== null)
    return 'No shape is held, and no motion was meant.';
  if (label === NONE && snapshot.arming)
    return 'No motion was meant: hold still for a moment, then move.';
  if (label === NONE) return `No label reaches the threshold of ${percent} %.`;
  return snapshot.kind === 'camera'
    ? `From the last ${frames}; the threshold is ${percent} %.`
    : `From the last ${frames}, without clip restarts.`;
}

/** The newest result as it came, up to 25 times a second and unsteadied, in a fixed place. */
function Newest({ session, active }: { session: Session; active: boolean }) {
  const text = useRef<HTMLSpanElement>(null);
  const draw = useCallback(() => {
    if (text.current === null) return;
    const { newest } = session;
    // Nothing is no result beside a shown one: it would contradict it for as long as that is held.
    const next =
      newest === null || newest.label === NONE
        ? ''
        : `newest: ${labelWords(newest.label)} ${formatPercent(newest.score)} %`;
    if (text.current.textContent !== next) text.current.textContent = next;
  }, [session]);
  useFrameLoop(active, 30, draw);
  return (
    <span ref={text} className={`number ${css.newest}`} aria-hidden="true" data-testid="newest" />
  );
}
