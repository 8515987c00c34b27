import { Button, VisuallyHidden } from '@mantine/core';
import { lazy, Suspense, useCallback, useMemo, useRef, useState } from 'react';
import { camerasPoll } from '../api/cameras';
import { usePoll } from '../api/poll';
import { useMay } from '../api/session';
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
import { ALL } from '../wall/settings';
import { StateAnnouncer } from '../wall/StateAnnouncer';
import { useWall } from '../wall/useWall';
import { useWallSettings } from '../wall/useWallSettings';
import { useWallShortcuts } from '../wall/useWallShortcuts';
import { WallSnippets } from '../wall/WallSnippets';
import { WallTile } from '../wall/WallTile';
import { connectionWords, summary } from '../wall/words';
import css from './WallPage.module.css';

/** Loaded when it is first asked for. */
const Chooser = lazy(() => import('../wall/Chooser'));

/** Names of cameras hardly change. */
const NAMES_MS = 10_000;

export default function WallPage() {
  const [settings, change] = useWallSettings();
  const { streams: chosen, overlays, size, one } = settings;
  const { viewer, painter, snapshot, nowMs } = useWall(chosen, overlays);
  const cameras = usePoll(camerasPoll, NAMES_MS).answer?.cameras;
  const names = useMemo(() => new Map(cameras?.map(({ id, name }) => [id, name])), [cameras]);
  /** Streams that have ended and were put away: which end it was. */
  const [away, setAway] = useState<ReadonlyMap<string, number>>(new Map());
  const streams = snapshot.streams.filter(
    ({ id, state, sinceMs }) => state !== 'ended' || away.get(id) !== sinceMs,
  );

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
  const grid = useRef<HTMLUListElement>(null);
  const remove = useCallback(
    (id: string) => {
      const ended = viewer.snapshot().streams.find((stream) => stream.id === id);
      if (ended === undefined) return;
      // The focus would be lost with the tile.
      const tiles = [...(grid.current?.querySelectorAll<HTMLElement>('[data-tile]') ?? [])];
      const at = tiles.findIndex((tile) => tile.dataset.tile === id);
      (tiles[at + 1] ?? tiles[at - 1])?.focus({ preventScroll: true });
      setAway((before) => new Map(before).set(id, ended.sinceMs));
    },
    [viewer],
  );
  const phone = usePhone();
  const full = useCallback(() => toggleFullScreen(grid.current), []);
  const retry = useCallback(() => viewer.retry(), [viewer]);
  const actions = useMemo(() => ({ choose, full, retry }), [choose, full, retry]);
  useWallShortcuts(settings, change, actions);

  const trouble = connectionWords(snapshot, nowMs);
  const controls = <Controls settings={settings} onChange={change} onFull={full} />;
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
  const maySend = useMay('streamer', 'relay');
  const only = chosen.filter((id) => id !== ALL);
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

      {isEmpty && snapshot.state === 'open' && <EmptyWall only={only} onChoose={choose} />}
      <ul
        ref={grid}
        className={css.grid}
        aria-label="Streams"
        data-size={size}
        hidden={isEmpty}
        onKeyDown={onArrow}
      >
        {streams.map((view) => (
          <li key={view.id} data-large={view.id === one || undefined}>
            <WallTile
              view={view}
              name={names.get(view.id) ?? view.id}
              painter={painter}
              nowMs={view.state === 'live' ? 0 : nowMs}
              isLarge={view.id === one}
              onToggle={enlarge}
              onRemove={remove}
            />
          </li>
        ))}
      </ul>
      {snapshot.state === 'open' && <WallSnippets sends={isEmpty && maySend} />}
      <VisuallyHidden>
        <StateAnnouncer streams={streams} />
      </VisuallyHidden>
      {phone && <PhoneControls first={chooseButton}>{controls}</PhoneControls>}
      {chooser !== 'never' && (
        <Suspense fallback={null}>
          <Chooser
            opened={chooser === 'open'}
            onClose={close}
            chosen={chosen}
            streams={streams}
            onChange={(next) => change({ streams: next })}
          />
        </Suspense>
      )}
    </Page>
  );
}
