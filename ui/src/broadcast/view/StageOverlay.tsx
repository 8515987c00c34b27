import { NoHttps } from '../../access/NoHttps';
import { Countdown } from '../../components/stage/Countdown';
import { Action, Banner, Panel, Steps, WaitingForCamera } from '../../components/stage/Overlay';
import type { Problem } from '../../recognise/logic/problems';
import type { SourceKind } from '../settings';
import type { Snapshot } from '../snapshot';

export interface StageActions {
  start: () => void;
  tryTest: () => void;
  chooseFile: () => void;
  editName: () => void;
  retryNow: () => void;
}

interface Props {
  snapshot: Snapshot;
  /** What is chosen, running or not. */
  kind: SourceKind;
  actions: StageActions;
}

/** What lies over the picture: how to begin, what went wrong, that it is tried again. */
export function StageOverlay({ snapshot, kind, actions }: Props) {
  const { phase, problem, stream, stillMs } = snapshot;
  switch (phase) {
    case 'idle':
      return <Empty kind={kind} stopped={snapshot.endedOutside} actions={actions} />;
    case 'opening':
      return <Opening kind={snapshot.kind ?? kind} />;
    case 'problem':
      return problem === null ? null : (
        <ProblemPanel problem={problem} kind={kind} actions={actions} />
      );
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

interface EmptyProps {
  kind: SourceKind;
  stopped: boolean;
  actions: StageActions;
}

function Empty({ kind, stopped, actions }: EmptyProps) {
  const tryTest = (
    <Action icon="clip" onClick={actions.tryTest} second>
      Try it without a camera
    </Action>
  );
  switch (kind) {
    case 'camera':
      if (!window.isSecureContext) return <NoHttps what="a camera" actions={tryTest} />;
      return (
        <Panel
          icon="camera"
          title="Share your camera"
          actions={
            <>
              <Action icon="play" onClick={actions.start}>
                Start the camera
              </Action>
              {tryTest}
            </>
          }
        >
          Any number of pages and programs can watch it under the name you give it. Frames are sent
          to this server and are not stored.
        </Panel>
      );
    case 'screen':
      if (!window.isSecureContext) return <NoHttps what="a screen" actions={tryTest} />;
      return (
        <Panel
          icon="system"
          title={stopped ? 'The screen is no longer shared' : 'Share a screen, a window or a tab'}
          actions={
            <Action icon="play" onClick={actions.start}>
              Choose what to share
            </Action>
          }
        >
          The browser asks what to share. Viewers see everything on it.
        </Panel>
      );
    case 'file':
      return (
        <Panel
          icon="file"
          title="Share a video file"
          actions={
            <>
              <Action icon="file" onClick={actions.chooseFile}>
                Choose a file
              </Action>
              {tryTest}
            </>
          }
        >
          Choose a file, or drop it on this page. It plays in a loop; the file stays on your
          machine, only its frames are sent.
        </Panel>
      );
    case 'test':
      return (
        <Panel
          icon="clip"
          title="A moving test pattern"
          actions={
            <Action icon="play" onClick={actions.start}>
              Share the test pattern
            </Action>
          }
        >
          This page draws it: a ball, a clock with tenths of a second, the stream’s name. It is sent
          in the same way as a camera’s frames.
        </Panel>
      );
  }
}

function Opening({ kind }: { kind: SourceKind }) {
  switch (kind) {
    case 'camera':
      return <WaitingForCamera />;
    case 'screen':
      return (
        <Panel icon="system" title="Waiting for your choice">
          The browser asks which screen, window or tab.
        </Panel>
      );
    case 'file':
      return <Panel icon="file" title="Opening the file" />;
    case 'test':
      return null;
  }
}

interface ProblemProps {
  problem: Problem;
  kind: SourceKind;
  actions: StageActions;
}

function ProblemPanel({ problem, kind, actions }: ProblemProps) {
  const ofName = problem.id.startsWith('name-');
  const tryTest = (
    <Action icon="clip" onClick={actions.tryTest} second>
      Try it without a camera
    </Action>
  );
  if (problem.id === 'camera-insecure') return <NoHttps what="a camera" actions={tryTest} />;
  if (problem.id === 'screen-unsupported' && !window.isSecureContext) {
    return <NoHttps what="a screen" actions={tryTest} />;
  }
  return (
    <Panel
      icon={problem.id === 'ended' ? 'stop' : 'alert'}
      tone={problem.id === 'ended' ? 'warn' : 'bad'}
      title={problem.title}
      {...(problem.cause === '' ? {} : { cause: problem.cause })}
      data-testid="error-panel"
      data-problem={problem.id}
      actions={
        <>
          {ofName ? (
            <Action icon="edit" onClick={actions.editName}>
              Change the name
            </Action>
          ) : kind === 'file' ? (
            <Action icon="file" onClick={actions.chooseFile}>
              Choose another file
            </Action>
          ) : (
            <Action icon="retry" onClick={actions.start}>
              {problem.id === 'ended' ? 'Start again' : 'Try again'}
            </Action>
          )}
          {ofName ? (
            <Action icon="retry" onClick={actions.start} second>
              Try again
            </Action>
          ) : (
            kind !== 'test' && tryTest
          )}
        </>
      }
    >
      {problem.text}
      <Steps steps={problem.steps} />
    </Panel>
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
      {...(cause === null || cause === '' ? {} : { cause })}
      data-testid="error-panel"
      data-problem={code === null ? 'unreachable' : String(code)}
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
