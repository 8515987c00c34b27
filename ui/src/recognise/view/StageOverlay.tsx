import { EmptyStage, OpeningStage, type StageActions } from '../../capture/EmptyStage';
import type { KindWords } from '../../capture/kindWords';
import { ProblemPanel } from '../../capture/ProblemPanel';
import { Countdown } from '../../components/stage/Countdown';
import { Action, Banner, Panel } from '../../components/stage/Overlay';
import type { SourceKind } from '../logic/settings';
import type { Snapshot } from '../snapshot';

interface Props {
  snapshot: Snapshot;
  /** What is chosen, running or not. */
  kind: SourceKind;
  kinds: Record<SourceKind, KindWords>;
  actions: StageActions;
}

/** What lies over the picture: how to begin, what went wrong, how old the picture is. */
export function StageOverlay({ snapshot, kind, kinds, actions }: Props) {
  const { phase, problem, pictureAgeMs, answerAgeMs } = snapshot;
  switch (phase) {
    case 'idle':
      return <EmptyStage kind={kind} words={kinds[kind]} actions={actions} />;
    case 'problem':
      return problem === null ? null : (
        <ProblemPanel
          problem={problem}
          kind={kind}
          isOtherWay={kind === 'sample'}
          actions={actions}
        />
      );
    case 'starting':
      return <OpeningStage words={kinds[snapshot.kind ?? kind]} />;
    case 'paused':
      return (
        <Panel icon="pause" title="Paused while the page was hidden">
          The camera and the server connection were released.
        </Panel>
      );
    case 'running':
      break;
  }
  const trouble = <ConnectionTrouble snapshot={snapshot} actions={actions} />;
  if (snapshot.connection.state !== 'live') return trouble;
  if (answerAgeMs !== null) {
    return (
      <Banner icon="clock">
        No response from the server for {Math.floor(answerAgeMs / 1000)} s. Waiting.
      </Banner>
    );
  }
  if (pictureAgeMs !== null) {
    return <Banner icon="clock">No new frame for {Math.floor(pictureAgeMs / 1000)} s.</Banner>;
  }
  return null;
}

function ConnectionTrouble({ snapshot, actions }: Pick<Props, 'snapshot' | 'actions'>) {
  const { connection } = snapshot;
  const retry = (
    <Action icon="retry" onClick={actions.retryNow}>
      Try now
    </Action>
  );
  switch (connection.state) {
    case 'full':
    case 'disconnected':
      return (
        <Panel
          icon={connection.state === 'full' ? 'full' : 'plug'}
          tone={connection.state === 'full' ? 'warn' : 'bad'}
          title={connection.why}
          cause={connection.cause}
          problem={connection.state}
          actions={retry}
        >
          <Countdown untilMs={connection.retryAtMs} />
        </Panel>
      );
    case 'reconnecting':
      // A short break mends itself before anyone has read a word about it.
      if (connection.attempt === 0) return null;
      return (
        <Panel
          icon="plug"
          tone="warn"
          title={connection.why}
          cause={connection.cause}
          problem="unreachable"
          actions={retry}
        >
          <span className="number">
            Retrying; {connection.attempt} {connection.attempt === 1 ? 'attempt' : 'attempts'} so
            far.
          </span>
        </Panel>
      );
    default:
      return null;
  }
}
