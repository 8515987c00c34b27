import { ActionIcon, Tooltip } from '@mantine/core';
import type { StreamView } from 'sightwire/relay';
import { type CSSProperties, Fragment, memo, useEffect } from 'react';
import { shortCause } from '../cameras/state/streamWords';
import { formatMs, formatRate } from '../components/format';
import { Icon } from '../components/Icon';
import { Name } from '../components/Name';
import { StateBadge } from '../components/StateBadge';
import type { Painter } from './painter';
import { useScreen } from './useScreen';
import { breakable, tileState, tileWords } from './words';
import css from './WallTile.module.css';

interface Props {
  view: StreamView;
  name: string;
  painter: Painter<ImageBitmap>;
  /** 0 where it does not matter. */
  nowMs: number;
  isLarge: boolean;
  style: CSSProperties | undefined;
  /** Nothing but the picture, and a few words where it is not live. */
  bare: boolean;
  onToggle: (id: string) => void;
  onRemove: (id: string) => void;
  onMove: (id: string, by: number) => void;
  /** Puts the first in the place of the second. */
  onDrop: (id: string, onto: string) => void;
  onShape: (id: string, shape: number) => void;
  onBroken: (id: string, is: boolean) => void;
}

/** What is dragged: a tile, and nothing else that somebody may hold over it. */
const DRAGGED = 'application/x-sightwire-tile';

/** One stream: its picture, and below it the state, the name, and the numbers where there is room. */
export const WallTile = memo(function WallTile(props: Props) {
  const { view, name, painter, nowMs, isLarge, style, bare } = props;
  const { onToggle, onRemove, onMove, onDrop, onShape, onBroken } = props;
  const { id, state } = view;
  const { frame, painted, broken, shape } = useScreen(painter, id);
  const words = tileWords(view, nowMs, broken);
  const isOver = state === 'ended';
  const act = isOver ? onRemove : onToggle;
  const what = isOver ? 'Remove' : isLarge ? 'Make smaller' : 'Enlarge';
  useEffect(() => {
    if (shape !== null) onShape(id, shape);
  }, [id, shape, onShape]);
  useEffect(() => {
    if (!broken) return undefined;
    onBroken(id, true);
    return () => onBroken(id, false);
  }, [id, broken, onBroken]);
  const { banner } = words;
  const text = words.text === null || isLarge ? words.text : shortCause(words.text);
  return (
    <li
      className={css.tile}
      style={style}
      data-testid={`tile-${id}`}
      data-state={state}
      data-live={words.live || undefined}
      data-large={isLarge || undefined}
      data-bare={bare || undefined}
      onDragOver={(event) => {
        if (event.dataTransfer.types.includes(DRAGGED)) event.preventDefault();
      }}
      onDrop={(event) => {
        const dragged = event.dataTransfer.getData(DRAGGED);
        if (dragged === '') return;
        event.preventDefault();
        onDrop(dragged, id);
      }}
    >
      <div ref={frame} className={css.frame}>
        <button
          type="button"
          className={css.picture}
          onClick={() => act(id)}
          onKeyDown={(event) => {
            const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
            if (!event.shiftKey || by === undefined) return;
            event.preventDefault();
            onMove(id, by);
          }}
          draggable
          onDragStart={(event) => {
            event.dataTransfer.setData(DRAGGED, id);
            event.dataTransfer.effectAllowed = 'move';
          }}
          aria-label={`${what}: ${name}, ${tileState(view, broken)}`}
          data-tile={id}
        >
          <canvas className={css.canvas} width={4} height={3} data-empty="" />
          <canvas className={css.marks} aria-hidden="true" />
        </button>
        {bare && !words.live && (
          <span className={css.sign} data-tone={words.tone} data-testid={`sign-${id}`}>
            <Icon name={words.icon} />
            <strong className={css.word}>{words.word}</strong>
            <span className={css.who}>{name}</span>
          </span>
        )}
        {!bare && words.live && !painted && (
          <p className={css.note} data-empty data-late>
            <span className={css.lines}>Waiting for a frame</span>
          </p>
        )}
        {!bare && (banner ?? text) !== null && (
          <p className={css.note} data-empty={!painted || undefined} data-testid={`note-${id}`}>
            <span className={css.lines}>
              {painted && banner !== null && <strong>{banner}. </strong>}
              {text !== null && <Breakable text={text} />}
            </span>
          </p>
        )}
      </div>
      {!bare && (
        <div className={css.caption}>
          <span className={css.state}>
            <StateBadge
              tone={words.tone}
              icon={words.icon}
              word={words.word}
              data-testid={`state-${id}`}
            />
          </span>
          <h2 className={css.name}>
            <Name>{name}</Name>
          </h2>
          {view.mode === 'enhanced' && (
            <span className={css.mark} title="More of its frames are analysed.">
              enhanced
            </span>
          )}
          {words.live && <Numbers view={view} />}
          {isOver && (
            <Tooltip label="Remove from the wall now">
              <ActionIcon
                className={css.remove}
                onClick={() => onRemove(id)}
                aria-label={`Remove ${name} from the wall`}
              >
                <Icon name="close" />
              </ActionIcon>
            </Tooltip>
          )}
        </div>
      )}
    </li>
  );
});

function Breakable({ text }: { text: string }) {
  return breakable(text).map((part, n) => (
    <Fragment key={n}>
      {n > 0 && <wbr />}
      {part}
    </Fragment>
  ));
}

/** Above so many percent somebody should know. */
const MUCH_LOST = 5;

/** One line; a narrow tile has none of it, since the picture is what is looked at. */
function Numbers({ view: { fps, delayMs, lostPercent, missed } }: { view: StreamView }) {
  const isLosing = lostPercent > MUCH_LOST;
  return (
    <span className={`number ${css.numbers}`} data-losing={isLosing || undefined}>
      <span title="Frames received here per second.">{formatRate(fps)} fps</span>
      {delayMs !== null && (
        <span title="Time from a frame’s arrival at the server to its arrival here, measured over the last seconds. The server’s clock is known to about a millisecond.">
          {delayMs < 1 ? '< 1' : formatMs(delayMs)} ms
        </span>
      )}
      {lostPercent > 0 && (
        <span
          className={css.lost}
          title={`Frames lost in the last seconds because this page or its network was too slow. Since the page was opened: ${missed}.`}
        >
          {isLosing && <Icon name="alert" size={14} />}
          {lostPercent.toFixed(lostPercent < 9.95 ? 1 : 0)} % lost
        </span>
      )}
    </span>
  );
}
