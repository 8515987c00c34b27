import { ToolButton } from '../../components/ToolButton';
import css from './CornersLine.module.css';
import type { CornersState, CornersView } from './useCorners';

const WORDS: Record<CornersState, string> = {
  unknown: 'No page was looked for yet.',
  found: 'The page was found.',
  none: 'No page was found: the picture is read as it is.',
  begun: 'Drag each corner onto one of the page.',
  'by-hand': 'Corners set by hand.',
  refused: 'No page has such corners: the last ones stay.',
};

interface Props {
  corners: CornersView;
  isReading: boolean;
  isCompared: boolean;
}

/** What became of the page in a photograph, and what can be done about it. */
export function CornersLine({ corners, isReading, isCompared }: Props) {
  const { state, shown, isByHand, mayMove } = corners;
  const mayDrag = state === 'found' && mayMove && !isCompared;
  const words = state === 'unknown' && isReading ? 'Looking for the page…' : WORDS[state];
  return (
    <div className={css.line}>
      <p role="status" data-testid="corners-line">
        {words} {mayDrag && 'Drag a corner to correct it.'}
      </p>
      {mayMove && shown === null && state !== 'unknown' && (
        <ToolButton icon="box" onClick={corners.begin} data-testid="set-corners">
          Set corners by hand
        </ToolButton>
      )}
      {mayMove && isByHand && (
        <ToolButton icon="retry" onClick={corners.findAgain} data-testid="find-corners">
          Find corners again
        </ToolButton>
      )}
    </div>
  );
}
