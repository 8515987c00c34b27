import { Button, Tooltip } from '@mantine/core';
import { useEffect, useState } from 'react';
import { formatClock, formatCount, formatDuration } from '../components/format';
import { Icon } from '../components/Icon';
import { ToolButton } from '../components/ToolButton';
import type { RecorderView } from './recorder';
import { recorderActions } from './useRecorder';
import css from './RecordingBar.module.css';

const SURE_MS = 4000;

interface Props {
  view: RecorderView;
  /** Of the model: they decide how long a recording can be. */
  labels: number;
  /** Predictions come. */
  active: boolean;
}

/** Writes predictions down and saves them as a CSV file. */
export function RecordingBar({ view, labels, active }: Props) {
  const { state, full } = view;
  return (
    <section className={`card ${css.bar}`} aria-label="Recording" data-testid="recording">
      {state === 'recording' ? (
        <Button
          variant="default"
          className={css.main}
          leftSection={<Icon name="stop" size={16} />}
          onClick={recorderActions.stop}
        >
          Stop recording
        </Button>
      ) : (
        <Button
          variant="default"
          className={css.main}
          leftSection={
            <span className={css.dot}>
              <Icon name="record" size={16} />
            </span>
          }
          disabled={full}
          onClick={recorderActions.start}
        >
          {state === 'empty' ? 'Record' : 'Continue'}
        </Button>
      )}
      <p className={`number ${css.text}`} data-testid="recording-text">
        {words(view, labels, active)}
      </p>
      {state === 'stopped' && <Stopped view={view} />}
    </section>
  );
}

function Stopped({ view }: { view: RecorderView }) {
  const [sure, setSure] = useState(false);
  useEffect(() => {
    if (!sure) return;
    const timer = setTimeout(() => setSure(false), SURE_MS);
    return () => clearTimeout(timer);
  }, [sure]);
  return (
    <div className={css.after}>
      <Button
        variant={view.saved ? 'default' : 'filled'}
        leftSection={<Icon name={view.saved ? 'check' : 'download'} size={16} />}
        onClick={recorderActions.download}
        aria-disabled={view.writing}
      >
        {view.writing ? 'Writing…' : view.saved ? 'Saved' : 'Download CSV'}
      </Button>
      <Tooltip label="Deletes the recording" openDelay={500}>
        <ToolButton
          icon="trash"
          onClick={() => {
            if (view.saved || sure) recorderActions.discard();
            else setSure(true);
          }}
        >
          {sure ? 'Really discard?' : 'Discard'}
        </ToolButton>
      </Tooltip>
    </div>
  );
}

function words(view: RecorderView, labels: number, active: boolean): string {
  const roomS = recorderActions.roomS(labels);
  const length = formatClock(view.lengthMs / 1000);
  const rows = `${formatCount(view.rows)} ${view.rows === 1 ? 'prediction' : 'predictions'}`;
  switch (view.state) {
    case 'empty':
      return `Records predictions to CSV, up to ${formatDuration(roomS)}.`;
    case 'recording':
      return active || view.rows > 0
        ? `${length} · ${rows} · room for ${formatDuration(roomS)}`
        : `${length} · waiting for predictions`;
    case 'stopped':
      return view.full ? `${length} · ${rows} · stopped: full` : `${length} · ${rows}`;
  }
}
