import { Button } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { Status } from 'sightwire/api';
import { Details } from '../components/Details';
import { refreshStatus } from '../api/statusStore';
import { useMay } from '../api/session';
import { useSamples } from '../api/useSamples';
import { useStatus } from '../api/useStatus';
import { formatDuration, spell } from '../components/format';
import { Icon } from '../components/Icon';
import { Notice } from '../components/Notice';
import { Page } from '../components/page/Page';
import { Sign } from '../components/Sign';
import { CamerasEntry } from '../start/CamerasEntry';
import { Cure } from '../start/Cure';
import { Facts } from '../start/Facts';
import { RelayEntry } from '../start/RelayEntry';
import { ReadEntry } from '../start/ReadEntry';
import { RecogniseEntry } from '../start/RecogniseEntry';
import { serverState } from '../start/serverState';
import { StartSnippets } from '../start/StartSnippets';
import { Tiles } from '../start/Tiles';
import css from './StartPage.module.css';

export function StartPage() {
  const view = useStatus(1000);
  const { status, failure } = view;
  const samples = useSamples();
  const maySend = useMay('streamer', 'signs');
  const state = serverState(status, failure);
  return (
    <Page title="Sightwire" className={css.page}>
      <header className={css.head}>
        <Sign icon={state.icon} size={24} tone={state.tone} round className={css.sign} />
        <div className={css.words}>
          <h1 className={css.title}>{state.title}</h1>
          <p className={css.line}>
            {state.text ?? purpose(status)}
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

      {status?.engine.note != null && failure === null && (
        <Notice tone="warn" icon="alert" title="The requested engine is not in use">
          {status.engine.note}
        </Notice>
      )}

      {status?.recognizer.warning != null && failure === null && (
        <Notice tone="warn" icon="alert" title="The recogniser needs attention">
          {status.recognizer.warning}
        </Notice>
      )}

      <Tiles view={view} />
      <div className={css.middle}>
        <RecogniseEntry gestures={samples} hands={status?.recognizer.task === 'landmarks'} />
        <CamerasEntry />
        <RelayEntry relay={status?.relay ?? null} />
        <ReadEntry reader={status?.reader} />
      </div>
      <Facts status={status} />
      {maySend && <StartSnippets />}
    </Page>
  );
}

function purpose(status: Status | null): string {
  const where = 'Frames and pictures stay on this server.';
  if (status === null) return `Live gesture recognition. ${where}`;
  const { recognizer, engine } = status;
  const on = engine.provider === null ? '' : ` on ${spell(engine.provider)}`;
  return `Live recognition with “${recognizer.model}”${on}. ${where}`;
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
