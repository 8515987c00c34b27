import type { ReactNode } from 'react';
import { NoHttps } from '../access/NoHttps';
import { Action, Panel, Steps } from '../components/stage/Overlay';
import { OtherWay, type StageActions } from './EmptyStage';
import type { Problem } from './problem';

interface Props {
  problem: Problem;
  kind: string;
  /** Whether this kind is itself the way without a camera. */
  isOtherWay: boolean;
  actions: StageActions;
  /** It only came to its end. */
  ended?: boolean;
  /** What helps, where neither another file nor another try does. */
  help?: ReactNode;
}

/** Why there are no pictures, and what can be done about it. */
export function ProblemPanel({ problem, kind, isOtherWay, actions, ended = false, help }: Props) {
  const otherWay = <OtherWay actions={actions} />;
  if (problem.id === 'camera-insecure') return <NoHttps what="a camera" actions={otherWay} />;
  const again = ended ? 'Start again' : 'Try again';
  return (
    <Panel
      icon={ended ? 'stop' : 'alert'}
      tone={ended ? 'warn' : 'bad'}
      title={problem.title}
      cause={problem.cause}
      problem={problem.id}
      actions={
        help ?? (
          <>
            {kind === 'file' ? (
              <Action icon="file" onClick={actions.chooseFile}>
                Choose another file
              </Action>
            ) : (
              <Action icon="retry" onClick={actions.start}>
                {again}
              </Action>
            )}
            {!isOtherWay && otherWay}
          </>
        )
      }
    >
      {problem.text}
      <Steps steps={problem.steps} />
    </Panel>
  );
}
