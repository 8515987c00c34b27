import { Button, VisuallyHidden } from '@mantine/core';
import { lazy, Suspense, useCallback, useMemo, useRef } from 'react';
import { camerasPoll } from '../api/cameras';
import { usePoll } from '../api/poll';
import { toggleFullScreen } from '../components/fullScreen';
import { Icon } from '../components/Icon';
import { Notice } from '../components/Notice';
import { Page } from '../components/page/Page';
import { PageHead } from '../components/page/PageHead';
import { PhoneControls } from '../components/page/PhoneBar';
import { usePhone } from '../components/page/usePhone';
import { onArrow } from '../wall/arrows';
import { Controls } from '../wall/Controls';
import { EmptyWall } from '../wall/EmptyWall';
import { LeaveScreen } from '../wall/LeaveScreen';
import { groupOf } from '../wall/order';
import { ALL, DEFAULTS, wanted } from '../wall/settings';
import { StateAnnouncer } from '../wall/StateAnnouncer';
import { useBroken } from '../wall/useBroken';
import { useChooser } from '../wall/useChooser';
import { useControlRoom } from '../wall/useControlRoom';
import { useGrid } from '../wall/useGrid';
import { useKept } from '../wall/useKept';
import { useOrder } from '../wall/useOrder';
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

export default function WallPage() {
  const [settings, change] = useWallSettings();
  const { streams: chosen, overlays, one, screen } = settings;
  const { answer, failure } = usePoll(camerasPoll, CAMERAS_MS);
  // Where the server does not say which cameras there are, streams are shown all the same.
  const cameras = answer?.cameras ?? (failure === null ? undefined : NO_CAMERAS);
  const ids = useMemo(() => cameras?.map(({ id }) => id), [cameras]);
  const names = useMemo(() => new Map(cameras?.map(({ id, name }) => [id, name])), [cameras]);
  const { viewer, painter, snapshot, nowMs } = useWall(wanted(settings, ids), overlays);
  const room = useRef<HTMLDivElement>(null);
  const [{ order, groups }, keep] = useKept();
  const all = snapshot.streams;
  const { streams, remove, move, drop } = useOrder({ viewer, all, order, names, keep, room });
  const [broken, noteBroken] = useBroken();
  const { grid, large, watchBox, noteShape } = useGrid(streams, settings);
  const isEmpty = streams.length === 0;
  useControlRoom(screen && !isEmpty);

  const { chooser, choose, close } = useChooser();
  const enlarge = useCallback(
    (id: string) => change({ one: id === one ? null : id }),
    [change, one],
  );
  const full = useCallback(() => toggleFullScreen(room.current), []);
  const retry = useCallback(() => viewer.retry(), [viewer]);
  const actions = useMemo(() => ({ choose, full, retry }), [choose, full, retry]);
  useWallShortcuts(settings, change, actions);

  const phone = usePhone();
  const trouble = connectionWords(snapshot, nowMs);
  const controls = (
    <Controls
      settings={settings}
      onChange={change}
      onFull={full}
      onScreen={() => change({ screen: true })}
      groups={groups}
      group={groupOf(groups, chosen)?.name ?? null}
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
      classNames={{ label: css.choose ?? '' }}
      data-testid="choose"
    >
      Choose streams
    </Button>
  );
  const only = settings.cameras ? [] : chosen.filter((id) => id !== ALL);
  return (
    <Page title="Wall · Sightwire" className={css.page}>
      <PageHead
        title="Wall"
        line={
          !isEmpty
            ? summary(streams, broken)
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
                style={
                  view === large ? (grid.large ?? undefined) : (grid.places?.[index] ?? grid.others)
                }
                bare={screen}
                onToggle={enlarge}
                onRemove={remove}
                onMove={move}
                onDrop={drop}
                onShape={noteShape}
                onBroken={noteBroken}
              />
            ))}
          </ul>
        </div>
        {screen && !isEmpty && (
          <LeaveScreen className={css.leave ?? ''} onLeave={() => change({ screen: false })} />
        )}
      </div>
      <VisuallyHidden>
        <StateAnnouncer streams={streams} broken={broken} />
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
            onGroups={(next) => keep({ groups: next })}
          />
        </Suspense>
      )}
    </Page>
  );
}

const NO_CAMERAS: readonly { id: string; name: string }[] = [];
