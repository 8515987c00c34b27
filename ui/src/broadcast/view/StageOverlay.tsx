import { NoHttps } from '../../access/NoHttps';
import { EmptyStage, OpeningStage, OtherWay, type StageActions } from '../../capture/EmptyStage';
import type { Problem } from '../../capture/problem';
import { ProblemPanel } from '../../capture/ProblemPanel';
import { Countdown } from '../../components/stage/Countdown';
import { Action, Banner, Panel } from '../../components/stage/Overlay';
import type { SourceKind } from '../settings';
import type { Snapshot } from '../snapshot';
import { KINDS, SCREEN_ENDED } from './kinds';

interface Actions extends StageActions {
  editName: () => void;
}

interface Props {
  snapshot: Snapshot;
  /** What is chosen, running or not. */
  kind: SourceKind;
  actions: Actions;
}

/** What lies over the picture: how to begin, what went wrong, that it is tried again. */
export function StageOverlay({ snapshot, kind, actions }: Props) {
  const { phase, problem, stream, stillMs } = snapshot;
  switch (phase) {
    case 'idle':
      return (
        <EmptyStage
          kind={kind}
          words={snapshot.endedOutside && kind === 'screen' ? SCREEN_ENDED : KINDS[kind]}
          actions={actions}
        />
      );
    case 'opening':
      return <OpeningStage words={KINDS[snapshot.kind ?? kind]} />;
    case 'problem':
      return problem === null ? null : <Failure problem={problem} kind={kind} actions={actions} />;
    case 'on':
      break;
  }
  if (stream.state === 'waiting' || (stream.state === 'connecting' && stream.why !== null)) {
    return <Trouble snapshot={snapshot} actions={actions} />;
  }
  if (stream.state !== 'live' || stillMs === null) return null;
  const seconds = Math.floor(stillMs / 1000);
  return (
    <Banner icon="clock">
      No frame sent for {seconds} s. {stream.why ?? 'Waiting for the source.'}
    </Banner>
  );
}

interface FailureProps {
  problem: Problem;
  kind: SourceKind;
  actions: Actions;
}

function Failure({ problem, kind, actions }: FailureProps) {
  if (problem.id === 'screen-unsupported' && !window.isSecureContext) {
    return <NoHttps what="a screen" actions={<OtherWay actions={actions} />} />;
  }
  const editName = problem.id.startsWith('name-') && (
    <>
      <Action icon="edit" onClick={actions.editName}>
        Change the name
      </Action>
      <Action icon="retry" onClick={actions.start} second>
        Try again
      </Action>
    </>
  );
  return (
    <ProblemPanel
      problem={problem}
      kind={kind}
      isOtherWay={kind === 'test'}
      actions={actions}
      ended={problem.id === 'ended'}
      help={editName || undefined}
    />
  );
}

/** It is not live, and goes on by itself. */
function Trouble({ snapshot: { stream }, actions }: Pick<Props, 'snapshot' | 'actions'>) {
  const { why, cause, code, retryAtMs, state } = stream;
  const forPicture = state === 'waiting' && retryAtMs === null;
  return (
    <Panel
      icon={forPicture ? 'pause' : 'plug'}
      tone="warn"
      title={forPicture ? 'Waiting for a frame' : 'Not sharing'}
      cause={cause ?? ''}
      problem={code === null ? 'unreachable' : String(code)}
      actions={
        !forPicture && (
          <Action icon="retry" onClick={actions.retryNow}>
            Try now
          </Action>
        )
      }
    >
      <p>{why}</p>
      {!forPicture && <Countdown untilMs={retryAtMs} />}
    </Panel>
  );
}
