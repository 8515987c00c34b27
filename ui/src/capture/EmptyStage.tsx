import { NoHttps } from '../access/NoHttps';
import { Action, Panel } from '../components/stage/Overlay';
import type { KindWords } from './kindWords';

/** What a person can do on the stage. */
export interface StageActions {
  start: () => void;
  chooseFile: () => void;
  tryWithoutCamera: () => void;
  retryNow: () => void;
}

interface Props {
  kind: string;
  words: KindWords;
  actions: StageActions;
}

/** How to begin, while nothing runs. */
export function EmptyStage({ kind, words, actions }: Props) {
  const { icon, title, text, start, needsHttps, hasOtherWay = false } = words;
  const otherWay = <OtherWay actions={actions} />;
  if (needsHttps !== undefined && !window.isSecureContext) {
    return <NoHttps what={needsHttps} actions={otherWay} />;
  }
  const isFile = kind === 'file';
  return (
    <Panel
      icon={icon}
      title={title}
      actions={
        <>
          <Action
            icon={isFile ? 'file' : 'play'}
            onClick={isFile ? actions.chooseFile : actions.start}
          >
            {start}
          </Action>
          {hasOtherWay && otherWay}
        </>
      }
    >
      {text}
    </Panel>
  );
}

/** While the browser asks a person, or the source starts. */
export function OpeningStage({ words: { icon, opening } }: Pick<Props, 'words'>) {
  if (opening === undefined) return null;
  return (
    <Panel icon={icon} title={opening.title}>
      {opening.text}
    </Panel>
  );
}

/** What everybody can do. */
export function OtherWay({ actions }: Pick<Props, 'actions'>) {
  return (
    <Action icon="clip" onClick={actions.tryWithoutCamera} second>
      Try it without a camera
    </Action>
  );
}
