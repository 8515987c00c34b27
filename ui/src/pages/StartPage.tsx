import { Button } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { Camera, Status, Stream } from 'sightwire/api';
import { Details } from '../components/Details';
import { camerasPoll, streamsPoll } from '../api/cameras';
import { usePoll } from '../api/poll';
import { refreshStatus } from '../api/statusStore';
import { useMay, useSessionAsked } from '../api/session';
import { useSamples } from '../api/useSamples';
import { useStatus } from '../api/useStatus';
import { formatDuration } from '../components/format';
import { Icon } from '../components/Icon';
import { Page } from '../components/page/Page';
import { Sign } from '../components/Sign';
import { attention } from '../start/attention';
import { Attention } from '../start/Attention';
import { CamerasEntry } from '../start/CamerasEntry';
import { Cure } from '../start/Cure';
import { Facts } from '../start/Facts';
import { LastRead } from '../start/LastRead';
import { LastSign } from '../start/LastSign';
import { LiveNow } from '../start/LiveNow';
import { RelayEntry } from '../start/RelayEntry';
import { ReadEntry } from '../start/ReadEntry';
import { RecogniseEntry } from '../start/RecogniseEntry';
import { serverState } from '../start/serverState';
import { StartSnippets } from '../start/StartSnippets';
import { Tiles } from '../start/Tiles';
import css from './StartPage.module.css';

const EVERY_MS = 1000;
const NO_CAMERAS: readonly Camera[] = [];
const NO_STREAMS: readonly Stream[] = [];

export function StartPage() {
  const view = useStatus(1000);
  const { status, failure } = view;
  const samples = useSamples();
  const maySend = useMay('streamer', 'signs');
  // Until it is known who is here, nothing is asked for that they may not have.
  const isAsked = useSessionAsked();
  const mayRead = useMay('streamer', 'reading') && isAsked;
  const state = serverState(status, failure);
  const known = usePoll(camerasPoll, EVERY_MS).answer;
  const cameras = known?.cameras ?? NO_CAMERAS;
  const freePlaces = known === null ? 0 : known.max_upstreams - known.upstreams;
  const streams = usePoll(streamsPoll, EVERY_MS).answer?.streams ?? NO_STREAMS;
  const sent = streams.filter(({ kind, state: is }) => kind === 'relay' && is !== 'ended');
  const runs = cameras.length + sent.length > 0;
  const last = status?.recognizer.last;
  const items = attention({ status, cameras, streams: sent });
  return (
    <Page title="Sightwire" className={css.page}>
      <header className={css.head}>
        <Sign icon={state.icon} size={24} tone={state.tone} round className={css.sign} />
        <div className={css.words}>
          <h1 className={css.title}>{state.title}</h1>
          <p className={css.line}>
            {state.text ?? purpose(status, cameras.length, sent.length)}
            {failure !== null && status !== null && <LastAnswer atMs={view.atMs} />}
          </p>
          {state.command !== null && <Cure command={state.command} />}
          {state.cause !== null && <Details cause={state.cause} />}
        </div>
        {failure !== null && (
          <Button variant="default" leftSection={<Icon name="retry" />} onClick={refreshStatus}>
            Try now
          </Button>
        )}
      </header>

      {failure === null && <Attention items={items} />}
      {runs && (
        <LiveNow
          cameras={cameras}
          freePlaces={freePlaces}
          streams={sent}
          stale={failure !== null}
          atMs={view.atMs}
        />
      )}
      {(status?.recognizer.clients ?? 0) > 0 && <Tiles view={view} />}
      <div className={css.last}>
        {last != null && <LastSign sign={last} />}
        {mayRead && <LastRead hasWorkers={status?.reader.workers === true} />}
      </div>
      <div className={css.middle} data-compact={runs || undefined}>
        <RecogniseEntry
          gestures={samples}
          hands={status?.recognizer.task === 'landmarks'}
          compact={runs}
        />
        <CamerasEntry compact={runs} />
        <RelayEntry relay={status?.relay ?? null} compact={runs} />
        <ReadEntry reader={status?.reader} compact={runs} />
      </div>
      <Facts status={status} />
      {maySend && <StartSnippets />}
    </Page>
  );
}

/** What runs, in one line; where nothing does, what could. */
function purpose(status: Status | null, cameras: number, streams: number): string {
  const where = 'Frames and pictures stay on this server.';
  if (status === null) return where;
  const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;
  const { recognizer, relay } = status;
  const viewers = relay.viewers + status.cameras.viewers;
  const parts = [
    ...(cameras > 0 ? [counted(cameras, 'camera')] : []),
    ...(streams > 0 ? [counted(streams, 'stream')] : []),
    ...(viewers > 0 ? [counted(viewers, 'viewer')] : []),
    ...(recognizer.clients > 0
      ? [`${counted(recognizer.clients, 'client')} of the recogniser`]
      : []),
  ];
  return parts.length === 0
    ? `Nothing runs yet: begin with one of these. ${where}`
    : parts.join(' · ');
}

/** How old the numbers on the page are, counted on while the server is silent. */
function LastAnswer({ atMs }: { atMs: number }) {
  const [nowMs, setNowMs] = useState(atMs);
  useEffect(() => {
    const timer = setInterval(() => setNowMs(performance.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, (nowMs - atMs) / 1000);
  return <> The numbers below are {formatDuration(seconds)} old.</>;
}
