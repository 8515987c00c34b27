import { ActionIcon, Button, NativeSelect, Tooltip } from '@mantine/core';
import { type RefObject, useCallback, useMemo, useRef, useState } from 'react';
import type { Document, JobFile } from 'sightwire/api';
import { formatCount } from '../../components/format';
import { Icon } from '../../components/Icon';
import { Name } from '../../components/Name';
import { Notice } from '../../components/Notice';
import { Progress } from '../../components/Progress';
import { StateBadge } from '../../components/StateBadge';
import type { Preferences } from '../preferences';
import { surePercent } from './confidence';
import { asSentence } from '../words';
import { Corners } from './Corners';
import { CornersLine } from './CornersLine';
import { Divider } from './Divider';
import type { Shown } from './paint';
import { Stage, type StageControl } from './Stage';
import type { CornersView } from './useCorners';
import { usePicture } from './usePicture';
import { type Size, ZOOM_STEP } from './zoom';
import css from './Viewer.module.css';

interface Props {
  row: JobFile | null;
  reading: Document | null;
  page: number;
  onPage: (page: number) => void;
  /** Of the display copy; null where there is none to ask for yet. */
  picturePath: string | null;
  /** The same after its preparation; null where it is not compared. */
  preparedPath: string | null;
  lines: readonly Shown[];
  hovered: number | null;
  selected: number | null;
  onHover: (line: number | null) => void;
  onSelect: (line: number | null) => void;
  /** It is being read another way. */
  isReading: boolean;
  /** Of the page in a photograph; null: it is not wanted. */
  corners: CornersView | null;
  /** So many pictures of the batch are kept. */
  keep: number;
  preferences: Preferences;
  onPreferences: (change: Partial<Preferences>) => void;
  onWalk: (by: number) => void;
  files: number;
  phone: boolean;
  control: RefObject<StageControl | null>;
}

const A4: Size = { width: 1240, height: 1754 };
const MIDDLE = 0.5;

/** One file's picture, how it goes with it, and what to do with the view. */
export function Viewer(props: Props) {
  const { row, reading, page, control, corners, preferences, onPreferences } = props;
  const picture = usePicture(props.picturePath);
  const prepared = usePicture(props.preparedPath);
  const [at, setAt] = useState(MIDDLE);
  const percent = useRef<HTMLSpanElement>(null);
  const showScale = useCallback((scale: number) => {
    // Sixty times a second while it moves: past React.
    if (percent.current !== null) percent.current.textContent = percentOf(scale);
  }, []);
  const known = reading?.pages.find((one) => one.page === page);
  const size =
    known ??
    picture.loaded?.size ??
    (row?.width != null && row.height != null ? { width: row.width, height: row.height } : A4);
  const compared =
    props.preparedPath === null || prepared.loaded === null
      ? null
      : { loaded: prepared.loaded, at };
  const { texts, outlines } = preferences;
  const paper = reading !== null;
  const look = useMemo(() => ({ texts, outlines, paper }), [texts, outlines, paper]);
  const pages = reading?.pages.length ?? 1;
  const name = row?.name ?? 'no file';
  const shown = `${row?.index ?? ''}/${page}`;
  const isLetGo =
    (row?.state === 'done' && !row.picture) ||
    picture.phase === 'let-go' ||
    prepared.phase === 'let-go';

  return (
    <section className={`card ${css.viewer}`} aria-label="Picture" data-testid="viewer">
      <header className={css.bar}>
        <div className={css.names}>
          {props.files > 1 && (
            <>
              <Tooltip label="Previous file (p)">
                <ActionIcon onClick={() => props.onWalk(-1)} aria-label="Previous file">
                  <Icon name="left" />
                </ActionIcon>
              </Tooltip>
              <Tooltip label="Next file (n)">
                <ActionIcon onClick={() => props.onWalk(1)} aria-label="Next file">
                  <Icon name="right" />
                </ActionIcon>
              </Tooltip>
            </>
          )}
          <h2 className={css.name} data-testid="file-name">
            <Name>{name}</Name>
          </h2>
          {known !== undefined && (
            <span className={`number ${css.size}`}>
              {formatCount(known.width)} × {formatCount(known.height)}
            </span>
          )}
          {pages > 1 && (
            <NativeSelect
              className={css.pages ?? ''}
              aria-label="Page"
              value={String(page)}
              onChange={(event) => props.onPage(Number(event.currentTarget.value))}
              data={Array.from({ length: pages }, (_, n) => ({
                value: String(n + 1),
                label: `Page ${n + 1} of ${pages}`,
              }))}
              data-testid="page"
            />
          )}
        </div>
        <div className={css.tools} role="toolbar" aria-label="View">
          <Toggle
            icon="box"
            name="Outlines (x)"
            on={preferences.outlines}
            onToggle={(outlines) => onPreferences({ outlines })}
          />
          <Toggle
            icon="text"
            name="Texts on the picture (t)"
            on={preferences.texts}
            onToggle={(texts) => onPreferences({ texts })}
          />
          <span className={css.gap} />
          <Tooltip label="Zoom out (−)">
            <ActionIcon
              onClick={() => control.current?.zoomBy(1 / ZOOM_STEP, undefined, true)}
              aria-label="Zoom out"
            >
              <Icon name="minus" />
            </ActionIcon>
          </Tooltip>
          <span ref={percent} className={`number ${css.percent}`} data-testid="scale">
            100 %
          </span>
          <Tooltip label="Zoom in (+)">
            <ActionIcon
              onClick={() => control.current?.zoomBy(ZOOM_STEP, undefined, true)}
              aria-label="Zoom in"
            >
              <Icon name="plus" />
            </ActionIcon>
          </Tooltip>
          <Button variant="subtle" color="gray" px="xs" onClick={() => control.current?.fit()}>
            Fit
          </Button>
          <Button variant="subtle" color="gray" px="xs" onClick={() => control.current?.zoomTo(1)}>
            100 %
          </Button>
        </div>
      </header>
      {corners !== null && (
        <CornersLine
          corners={corners}
          isReading={props.isReading || reading === null}
          isCompared={compared !== null}
        />
      )}

      <Stage
        name={shown}
        label={stageLabel(name, props.lines.length)}
        size={size}
        picture={picture.loaded}
        compared={compared}
        lines={props.lines}
        look={look}
        hovered={props.hovered}
        selected={props.selected}
        onHover={props.onHover}
        onSelect={props.onSelect}
        onScale={showScale}
        control={control}
      >
        {picture.loaded !== null && <span hidden data-testid="picture-shown" />}
        {corners?.shown != null && (
          <Corners
            key={shown}
            corners={corners.shown}
            size={size}
            control={control}
            before={compared === null ? 1 : at}
            mayMove={corners.mayMove && compared === null}
            onMove={corners.move}
          />
        )}
        {compared !== null && <Divider at={at} onMove={setAt} />}
        <div className={css.over}>
          <Standing {...props} />
          {isLetGo && (
            <span className={css.hint} data-testid="let-go">
              <StateBadge tone="warn" icon="frozen" word="picture no longer stored" />
              Only the newest {props.keep} are stored; the text is kept.
            </span>
          )}
        </div>
        {picture.phase === 'failed' && (
          <div className={css.trouble}>
            <Notice
              tone="bad"
              icon="alert"
              title="The picture cannot be shown"
              cause={picture.cause}
            />
          </div>
        )}
        {(picture.phase === 'loading' || prepared.phase === 'loading') && (
          <div className={css.loading}>
            <Progress label="Loading the picture" value={null} />
          </div>
        )}
        {row?.state === 'failed' && (
          <div className={css.trouble}>
            <Notice
              tone="bad"
              icon="alert"
              title={`“${row.name}” could not be read`}
              cause={`${row.name}, file ${row.index + 1}: ${row.error ?? 'no reason given'}`}
              data-testid="file-error"
            >
              {asSentence(row.error ?? 'The server gave no reason')}
            </Notice>
          </div>
        )}
        <Caption {...props} />
      </Stage>
    </section>
  );
}

function stageLabel(name: string, lines: number): string {
  const found = lines === 1 ? '1 line' : `${formatCount(lines)} lines`;
  return `${name}, ${found} of text. Arrow keys move it, plus and minus zoom.`;
}

function percentOf(scale: number): string {
  const percent = scale * 100;
  return `${percent < 9.95 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}

/** Where the file is on its way, in a corner of the picture. */
function Standing({ row, isReading }: Props) {
  if (isReading) return <StateBadge tone="busy" icon="clock" word="reading again" />;
  switch (row?.state) {
    case 'waiting':
      return <StateBadge tone="off" icon="clock" word="waiting" />;
    case 'reading':
      return <StateBadge tone="busy" icon="clock" word="reading" />;
    case 'cancelled':
      return <StateBadge tone="off" icon="stop" word="cancelled" />;
    default:
      return null;
  }
}

/** The line that is pointed at or chosen; it stands in one place, so nothing jumps. */
function Caption({ lines, hovered, selected, phone }: Props) {
  // Elsewhere the chosen line stands beside the picture.
  const line = lines[hovered ?? (phone ? selected : null) ?? -1];
  if (line === undefined) return null;
  return (
    <p className={css.caption} aria-hidden="true" data-testid="caption">
      <span>{line.text}</span>
      <span className="number">{surePercent(line.confidence)}</span>
    </p>
  );
}

interface ToggleProps {
  icon: 'box' | 'text';
  name: string;
  on: boolean;
  onToggle: (on: boolean) => void;
}

function Toggle({ icon, name, on, onToggle }: ToggleProps) {
  return (
    <Tooltip label={name}>
      <ActionIcon
        variant={on ? 'light' : 'subtle'}
        color={on ? 'wire' : 'gray'}
        aria-pressed={on}
        aria-label={name.replace(/ \(.\)$/, '')}
        onClick={() => onToggle(!on)}
      >
        <Icon name={icon} />
      </ActionIcon>
    </Tooltip>
  );
}
