import { Button, SegmentedControl, VisuallyHidden } from '@mantine/core';
import { useDebouncedCallback, useMediaQuery } from '@mantine/hooks';
import type { ClusterProcess } from 'sightwire/api';
import { lazy, Suspense, useCallback, useMemo, useRef, useState } from 'react';
import { live } from '../api/live';
import { useMay } from '../api/session';
import { useLive } from '../api/useLive';
import { useStatus } from '../api/useStatus';
import { useShortcuts } from '../base/shortcuts';
import { Icon } from '../components/Icon';
import { Notice } from '../components/Notice';
import { Page } from '../components/page/Page';
import { PageHead } from '../components/page/PageHead';
import { StateBadge } from '../components/StateBadge';
import { Announcer } from '../health/Announcer';
import { EmptyHealth } from '../health/EmptyHealth';
import { DrawingNotice } from '../health/DrawingNotice';
import { EngineWarnings } from '../health/EngineWarnings';
import { EndedStreams } from '../health/EndedStreams';
import { SPANS, spanWords } from '../health/history';
import { linkWords } from '../health/linkWords';
import { Listing } from '../health/Listing';
import { ProcessesCard } from '../health/ProcessesCard';
import { findStreams, findViewers, STREAM_SORTS, VIEWER_SORTS } from '../health/rows';
import { STREAMS } from '../health/streamKind';
import { summary, troubled, troubleWords } from '../health/summary';
import { Toolbar } from '../health/Toolbar';
import { ProcessTotals, StreamTotals } from '../health/Totals';
import { useEnding } from '../health/useEnding';
import { useNow } from '../health/useNow';
import { useSettings } from '../health/useSettings';
import { VIEWERS } from '../health/viewerKind';
import css from './HealthPage.module.css';

// Loaded when it is first asked for.
const EndDialog = lazy(() => import('../health/EndDialog'));

const KEEP_MS = 300;
const STATUS_MS = 3000;
const NOT_NOW = 'No connection to the server.';

export default function HealthPage() {
  const view = useLive((all) => all);
  const { data, atMs } = view;
  const open = view.link === 'open';
  const status = useStatus(STATUS_MS);
  const nowMs = useNow(!open);
  const words = linkWords(view, nowMs, status.failure === null);
  const cards = useMediaQuery('(max-width: 76em)', undefined, { getInitialValueInEffect: false });

  const [settings, change] = useSettings();
  const [find, setFind] = useState(settings.find);
  const keepFind = useDebouncedCallback((text: string) => change({ find: text }), KEEP_MS);
  const onFind = useCallback(
    (text: string) => {
      setFind(text);
      keepFind(text);
    },
    [keepFind],
  );
  const { trouble } = settings;
  const field = useRef<HTMLInputElement>(null);
  const shortcuts = useMemo(
    () => [
      { key: '/', what: 'Find a stream or a viewer', run: () => field.current?.focus() },
      { key: 'p', what: 'All, or only problems', run: () => change({ trouble: !trouble }) },
      { key: 'r', what: 'Reconnect now', run: live.retry },
    ],
    [change, trouble],
  );
  useShortcuts('Health', shortcuts);

  const ending = useEnding();
  const { ask } = ending;
  const endStream = useCallback(
    (id: string) => {
      const stream = live.view().data?.streams[id];
      if (stream !== undefined) ask({ stream });
    },
    [ask],
  );
  const endViewer = useCallback(
    (id: string) => {
      const viewer = live.view().data?.viewers[id];
      if (viewer !== undefined) ask({ viewer });
    },
    [ask],
  );
  const onDrain = useCallback((process: ClusterProcess) => ask({ process }), [ask]);
  const isAdmin = useMay('admin');
  const [said, setSaid] = useState('');
  const mayManage = data?.may_manage === true;
  const refusal = mayManage ? null : (data?.why_not ?? null);
  const whyNot = open ? refusal : NOT_NOW;
  // Who never may is offered nothing; whoever else may not here and now sees why.
  const isOperator = useMay('operator');
  const offersEnd = mayManage || isOperator;

  const streams = useMemo(() => Object.values(data?.streams ?? {}), [data]);
  const viewers = useMemo(() => Object.values(data?.viewers ?? {}), [data]);
  const foundStreams = useMemo(() => findStreams(streams, find, trouble), [streams, find, trouble]);
  const foundViewers = useMemo(() => findViewers(viewers, find, trouble), [viewers, find, trouble]);
  const hasRows = streams.length > 0 || viewers.length > 0;
  const care = useMemo(() => troubled({ streams: {}, viewers: {}, ...data }), [data]);
  const inTrouble = troubleWords(care);
  const showTrouble = () => {
    onFind('');
    change({ trouble: true });
    field.current?.scrollIntoView();
  };
  const common = { atMs, cards, whyNot, offersEnd, onFind };

  return (
    <Page title="Health · Sightwire" className={css.page}>
      <PageHead
        title="Health"
        line={
          data === null ? (
            words.title === null && 'Loading…'
          ) : (
            <>
              {summary(data, isOperator)}
              {inTrouble !== null && (
                <>
                  {' · '}
                  <button type="button" className={css.trouble} onClick={showTrouble}>
                    {inTrouble}
                  </button>
                </>
              )}
            </>
          )
        }
        lineId="summary"
      >
        <StateBadge
          tone={words.tone}
          icon={words.icon}
          word={words.word}
          data-testid="live-state"
        />
      </PageHead>

      {words.title !== null && (
        <Notice tone="bad" icon="plug" title={words.title} data-testid="lost">
          {/* It counts: that is to be seen, not to be heard every second. */}
          <p className="number" aria-live="off">
            {words.text}
          </p>
          <Button
            className={css.retry}
            variant="default"
            leftSection={<Icon name="retry" />}
            onClick={live.retry}
          >
            Try now
          </Button>
        </Notice>
      )}

      {open && status.status !== null && (
        <>
          <EngineWarnings warnings={status.status.engine.warnings} />
          <DrawingNotice drawing={status.status.reader.drawing} />
        </>
      )}

      {data !== null && (
        <div className={css.known} data-stale={!open || undefined} data-testid="known">
          <div className={css.span}>
            <h2 className="caption">{spanWords(settings.span, data.server.uptime_s)}</h2>
            <SegmentedControl
              className={css.spans}
              size="xs"
              aria-label="How far back charts go"
              value={settings.span}
              onChange={(span) => change({ span })}
              data={[...SPANS]}
              data-testid="span"
            />
          </div>
          <StreamTotals data={data} seesViewers={isOperator} span={settings.span} />
          <ProcessTotals data={data} span={settings.span} />
          {status.status?.cluster != null && (
            <ProcessesCard cluster={status.status.cluster} onDrain={isAdmin ? onDrain : null} />
          )}
          {(hasRows || Object.keys(data.ended).length > 0) && (
            <Toolbar
              field={field}
              find={find}
              onFind={onFind}
              trouble={trouble}
              troubled={care.streams + care.viewers}
              onTrouble={(on) => change({ trouble: on })}
            />
          )}
          {!hasRows ? (
            <EmptyHealth hasEnded={Object.keys(data.ended).length > 0} />
          ) : (
            <>
              {open && refusal !== null && <p className={css.note}>{refusal}</p>}
              <Listing
                {...common}
                id="streams"
                title="Streams"
                kind={STREAMS}
                rows={foundStreams}
                total={streams.length}
                sorts={STREAM_SORTS}
                sort={settings.streams}
                onSort={(sort) => change({ streams: sort })}
                onEnd={endStream}
              >
                {nothing('streams', find, trouble)}
              </Listing>
              {isOperator ? (
                <Listing
                  {...common}
                  id="viewers"
                  title="Viewers"
                  kind={VIEWERS}
                  rows={foundViewers}
                  total={viewers.length}
                  sorts={VIEWER_SORTS}
                  sort={settings.viewers}
                  onSort={(sort) => change({ viewers: sort })}
                  onEnd={endViewer}
                >
                  {nothing('viewers', find, trouble)}
                </Listing>
              ) : (
                <p className={css.note}>Who watches takes an operator to see.</p>
              )}
            </>
          )}
          <EndedStreams ended={data.ended} find={find} nowS={data.time} />
        </div>
      )}

      <VisuallyHidden>
        <Announcer data={data} said={said} />
      </VisuallyHidden>
      {ending.subject !== null && (
        <Suspense fallback={null}>
          <EndDialog
            key={ending.turn}
            opened={ending.opened}
            subject={ending.subject}
            onClose={ending.close}
            onDone={(text) => {
              setSaid(text);
              ending.close();
            }}
          />
        </Suspense>
      )}
    </Page>
  );
}

/** What stands where a list is empty. */
function nothing(what: 'streams' | 'viewers', find: string, trouble: boolean): string {
  if (find.trim() !== '') return `No matching ${what}.`;
  if (!trouble) return `No ${what}.`;
  return what === 'streams' ? 'No stream has problems.' : 'No viewer has problems.';
}
