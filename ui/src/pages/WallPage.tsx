import { Button, VisuallyHidden } from '@mantine/core';
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { camerasPoll } from '../api/cameras';
import { usePoll } from '../api/poll';
import { toggleFullScreen } from '../components/fullScreen';
import { Icon } from '../components/Icon';
import { Notice } from '../components/Notice';
import { Page } from '../components/page/Page';
import { PageHead } from '../components/page/PageHead';
import { PhoneControls } from '../components/page/PhoneBar';
import { usePhone } from '../components/page/usePhone';
import { useOpener } from '../components/useOpener';
import { onArrow } from '../wall/arrows';
import { Controls } from '../wall/Controls';
import { EmptyWall } from '../wall/EmptyWall';
import { equalGrid, focusGrid } from '../wall/gridStyle';
import { LeaveScreen } from '../wall/LeaveScreen';
import { moved, ordered } from '../wall/order';
import { ALL, DEFAULTS, wanted } from '../wall/settings';
import { StateAnnouncer } from '../wall/StateAnnouncer';
import { useBox } from '../wall/useBox';
import { useKept } from '../wall/useKept';
import { useShapes } from '../wall/useShapes';
import { useWall } from '../wall/useWall';
import { useWallSettings } from '../wall/useWallSettings';
import { useWallShortcuts } from '../wall/useWallShortcuts';
import { WallTile } from '../wall/WallTile';
import { connectionWords, summary } from '../wall/words';
import css from './WallPage.module.css';

/** Loaded when it is first asked for. */
const Chooser = lazy(() => import('../wall/Chooser'));

/** Cameras hardly change. */
const CAMERAS_MS = 10_000;
/** The height of what stands below a picture, as in the style sheet of the tile. */
const CAPTION_PX = 36;
const GAP_PX = 6;
/** A narrower tile shows nothing. */
const LEAST_PX = 150;

export default function WallPage() {
  const [settings, change] = useWallSettings();
  const { streams: chosen, overlays, one, screen } = settings;
  const { answer, failure } = usePoll(camerasPoll, CAMERAS_MS);
  // Where the server does not say which cameras there are, streams are shown all the same.
  const cameras = answer?.cameras ?? (failure === null ? undefined : NO_CAMERAS);
  const ids = useMemo(() => cameras?.map(({ id }) => id), [cameras]);
  const { viewer, painter, snapshot, nowMs } = useWall(wanted(settings, ids), overlays);
  const names = useMemo(() => new Map(cameras?.map(({ id, name }) => [id, name])), [cameras]);
  /** Streams that have ended and were put away: which end it was. */
  const [away, setAway] = useState<ReadonlyMap<string, number>>(new Map());
  const [{ order, groups }, keepMore] = useKept();
  const streams = ordered(
    snapshot.streams.filter(
      ({ id, state, sinceMs }) => state !== 'ended' || away.get(id) !== sinceMs,
    ),
    order,
  );
  const present = streams.map(({ id }) => id);
  const shown = useRef<readonly string[]>(present);
  useEffect(() => {
    shown.current = present;
  });

  const [chooser, setChooser] = useState<'never' | 'open' | 'closed'>('never');
  const { note, giveBack } = useOpener();
  const choose = useCallback(() => {
    note();
    setChooser('open');
  }, [note]);
  const close = useCallback(() => {
    setChooser('closed');
    giveBack();
  }, [giveBack]);
  const enlarge = useCallback(
    (id: string) => change({ one: id === one ? null : id }),
    [change, one],
  );
  const room = useRef<HTMLDivElement>(null);
  const [watchBox, box] = useBox();
  const remove = useCallback(
    (id: string) => {
      const ended = viewer.snapshot().streams.find((stream) => stream.id === id);
      if (ended === undefined) return;
      // The focus would be lost with the tile.
      const tiles = [...(room.current?.querySelectorAll<HTMLElement>('[data-tile]') ?? [])];
      const at = tiles.findIndex((tile) => tile.dataset.tile === id);
      (tiles[at + 1] ?? tiles[at - 1])?.focus({ preventScroll: true });
      setAway((before) => new Map(before).set(id, ended.sinceMs));
    },
    [viewer],
  );
  const move = useCallback(
    (id: string, by: number) => keepMore({ order: moved(order, shown.current, id, by) }),
    [keepMore, order],
  );
  const drop = useCallback(
    (id: string, onto: string) => move(id, shown.current.indexOf(onto) - shown.current.indexOf(id)),
    [move],
  );
  const phone = usePhone();
  const full = useCallback(() => toggleFullScreen(room.current), []);
  const retry = useCallback(() => viewer.retry(), [viewer]);
  const actions = useMemo(() => ({ choose, full, retry }), [choose, full, retry]);
  useWallShortcuts(settings, change, actions);

  // What lies below the control room is not to be come to by keys.
  const isRoom = screen && streams.length > 0;
  useEffect(() => {
    if (!isRoom) return undefined;
    const others = document.querySelectorAll<HTMLElement>('header');
    for (const other of others) other.inert = true;
    return () => {
      for (const other of others) other.inert = false;
    };
  }, [isRoom]);

  const [shape, noteShape] = useShapes(present);
  const large = streams.find(({ id }) => id === one);
  const count = streams.length;
  const isFocused = large !== undefined;
  // Tiles are drawn anew where their place is a new one.
  const grid = useMemo(() => {
    const gap = screen ? 2 : GAP_PX;
    const caption = screen ? 0 : CAPTION_PX;
    const options = { shape, gap, caption, least: Math.min(LEAST_PX, box.width) };
    return isFocused ? focusGrid(count - 1, box, options) : equalGrid(count, box, options);
  }, [count, isFocused, box, shape, screen]);

  const trouble = connectionWords(snapshot, nowMs);
  const group = groups.find(
    ({ streams: of }) => of.length === chosen.length && of.every((id) => chosen.includes(id)),
  );
  const controls = (
    <Controls
      settings={settings}
      onChange={change}
      onFull={full}
      onScreen={() => change({ screen: true })}
      groups={groups}
      group={group?.name ?? null}
      onGroup={(name) => {
        const of = groups.find((one) => one.name === name)?.streams;
        change({ streams: of ?? DEFAULTS.streams, cameras: of === undefined });
      }}
    />
  );
  const chooseButton = (
    <Button
      variant="default"
      leftSection={<Icon name="plus" />}
      onClick={choose}
      data-testid="choose"
    >
      Choose streams
    </Button>
  );
  const isEmpty = streams.length === 0;
  const only = settings.cameras ? [] : chosen.filter((id) => id !== ALL);
  return (
    <Page title="Wall · Sightwire" className={css.page}>
      <PageHead
        title="Wall"
        line={
          !isEmpty
            ? summary(streams)
            : snapshot.state === 'open'
              ? 'All streams at a glance.'
              : trouble === null && 'Connecting to the server…'
        }
        lineId="summary"
        compact
      >
        {!phone && (
          <div className={css.tools}>
            {controls}
            {chooseButton}
          </div>
        )}
      </PageHead>

      {trouble !== null && (
        <Notice
          tone={snapshot.state === 'idle' ? 'warn' : 'bad'}
          icon="plug"
          title={trouble.title}
          data-testid="connection"
        >
          <div className={css.trouble}>
            <span className="number">{trouble.text}</span>
            <Button
              variant="default"
              leftSection={<Icon name="retry" />}
              onClick={retry}
              data-testid="retry"
            >
              {snapshot.state === 'idle' ? 'Reconnect' : 'Try now'}
            </Button>
          </div>
        </Notice>
      )}

      {isEmpty && snapshot.state === 'open' && (
        <div className={css.empty}>
          <EmptyWall only={only} onChoose={choose} />
        </div>
      )}
      <div
        ref={room}
        className={css.room}
        data-screen={(screen && !isEmpty) || undefined}
        hidden={isEmpty}
      >
        <div ref={watchBox} className={css.box}>
          <ul
            className={css.grid}
            data-scrolls={grid.scrolls || undefined}
            aria-label="Streams"
            style={grid.style}
            hidden={isEmpty}
            onKeyDown={onArrow}
          >
            {streams.map((view, index) => (
              <WallTile
                key={view.id}
                view={view}
                name={names.get(view.id) ?? view.id}
                painter={painter}
                nowMs={view.state === 'live' ? 0 : nowMs}
                isLarge={view === large}
                style={view === large ? (grid.large ?? undefined) : grid.places?.[index]}
                bare={screen}
                onToggle={enlarge}
                onRemove={remove}
                onMove={move}
                onDrop={drop}
                onShape={noteShape}
              />
            ))}
          </ul>
        </div>
        {screen && !isEmpty && (
          <LeaveScreen className={css.leave ?? ''} onLeave={() => change({ screen: false })} />
        )}
      </div>
      <VisuallyHidden>
        <StateAnnouncer streams={streams} />
      </VisuallyHidden>
      {phone && <PhoneControls first={chooseButton}>{controls}</PhoneControls>}
      {chooser !== 'never' && (
        <Suspense fallback={null}>
          <Chooser
            opened={chooser === 'open'}
            onClose={close}
            settings={settings}
            streams={streams}
            onChange={change}
            groups={groups}
            onGroups={(next) => keepMore({ groups: next })}
          />
        </Suspense>
      )}
    </Page>
  );
}

const NO_CAMERAS: readonly { id: string; name: string }[] = [];
