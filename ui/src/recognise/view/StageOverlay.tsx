import { NoHttps } from '../../access/NoHttps';
import { Countdown } from '../../components/stage/Countdown';
import { Action, Banner, Panel, Steps, WaitingForCamera } from '../../components/stage/Overlay';
import type { Problem } from '../logic/problems';
import type { Snapshot } from '../snapshot';
import type { SourceKind } from '../logic/settings';
import { knownSigns } from './knownSigns';

export interface StageActions {
  start: () => void;
  trySample: () => void;
  chooseFile: () => void;
  retryNow: () => void;
}

interface Props {
  snapshot: Snapshot;
  /** What is chosen, running or not. */
  kind: SourceKind;
  gesture: string;
  /** What the model knows. */
  labels: readonly string[];
  actions: StageActions;
}

/** What lies over the picture: how to begin, what went wrong, how old the picture is. */
export function StageOverlay({ snapshot, kind, gesture, labels, actions }: Props) {
  const { phase, problem, pictureAgeMs, answerAgeMs } = snapshot;
  switch (phase) {
    case 'idle':
      return <Empty kind={kind} gesture={gesture} labels={labels} actions={actions} />;
    case 'problem':
      return problem === null ? null : (
        <ProblemPanel problem={problem} kind={kind} actions={actions} />
      );
    case 'starting':
      return <Starting kind={snapshot.kind ?? kind} />;
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

function Empty({ kind, gesture, labels, actions }: Omit<Props, 'snapshot'>) {
  const trySample = (
    <Action icon="clip" onClick={actions.trySample} second>
      Try it without a camera
    </Action>
  );
  switch (kind) {
    case 'camera':
      if (!window.isSecureContext) return <NoHttps what="a camera" actions={trySample} />;
      return (
        <Panel
          icon="camera"
          title="Show a sign to your camera"
          actions={
            <>
              <Action icon="play" onClick={actions.start}>
                Start the camera
              </Action>
              {trySample}
            </>
          }
        >
          {knownSigns(labels)} Frames are sent only to this server and are not stored.
        </Panel>
      );
    case 'file':
      return (
        <Panel
          icon="file"
          title="Play a video file"
          actions={
            <>
              <Action icon="file" onClick={actions.chooseFile}>
                Choose a file
              </Action>
              {trySample}
            </>
          }
        >
          Choose a file, or drop it here. It plays in a loop; the file stays on your machine, only
          small frames are sent.
        </Panel>
      );
    case 'sample':
      return (
        <Panel
          icon="clip"
          title={`A generated clip: “${gesture}”`}
          actions={
            <Action icon="play" onClick={actions.start}>
              Play the clip
            </Action>
          }
        >
          The server draws a moving hand. Its frames are sent in the same way as a camera’s.
        </Panel>
      );
  }
}

function Starting({ kind }: { kind: SourceKind }) {
  switch (kind) {
    case 'camera':
      return <WaitingForCamera />;
    case 'file':
      return <Panel icon="file" title="Opening the file" />;
    case 'sample':
      return <Panel icon="clip" title="The server is drawing the clip" />;
  }
}

interface ProblemProps {
  problem: Problem;
  kind: SourceKind;
  actions: StageActions;
}

function ProblemPanel({ problem, kind, actions }: ProblemProps) {
  const trySample = (
    <Action icon="clip" onClick={actions.trySample} second>
      Try it without a camera
    </Action>
  );
  if (problem.id === 'camera-insecure') return <NoHttps what="a camera" actions={trySample} />;
  return (
    <Panel
      icon="alert"
      tone="bad"
      title={problem.title}
      cause={problem.cause}
      data-testid="error-panel"
      data-problem={problem.id}
      actions={
        <>
          {kind === 'file' ? (
            <Action icon="file" onClick={actions.chooseFile}>
              Choose another file
            </Action>
          ) : (
            <Action icon="retry" onClick={actions.start}>
              Try again
            </Action>
          )}
          {kind !== 'sample' && trySample}
        </>
      }
    >
      {problem.text}
      <Steps steps={problem.steps} />
    </Panel>
  );
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
          actions={retry}
          data-testid="error-panel"
          data-problem={connection.state}
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
          actions={retry}
          data-testid="error-panel"
          data-problem="unreachable"
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
