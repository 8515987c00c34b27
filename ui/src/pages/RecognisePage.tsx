import { Button, VisuallyHidden } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { type ChangeEvent, lazy, Suspense, useCallback, useMemo, useRef, useState } from 'react';
import { useSamples } from '../api/useSamples';
import { useStatus } from '../api/useStatus';
import { copyText } from '../components/copy';
import { Icon } from '../components/Icon';
import { Notice } from '../components/Notice';
import { useControls } from '../recognise/useControls';
import { useRecogniseShortcuts } from '../recognise/useRecogniseShortcuts';
import { useServerReturn } from '../recognise/useServerReturn';
import { useSession } from '../recognise/useSession';
import { Announcer } from '../recognise/view/Announcer';
import { Bars } from '../recognise/view/Bars';
import { ConfidenceChart } from '../recognise/view/ConfidenceChart';
import { NumbersPanel } from '../recognise/view/NumbersPanel';
import { Options } from '../recognise/view/Options';
import { Readout } from '../recognise/view/Readout';
import { SourceControls } from '../recognise/view/SourceControls';
import { Stage } from '../recognise/view/Stage';
import { StageOverlay } from '../recognise/view/StageOverlay';
import { useCameras } from '../recognise/view/useCameras';
import { serverState } from '../start/serverState';
import css from './RecognisePage.module.css';

/** States of the server that explain why results stay away. */
const WORTH_SAYING = new Set(['loading', 'model failed', 'dummy']);
/** Only on phones. */
const ControlsDrawer = lazy(() => import('../recognise/view/ControlsDrawer'));
const NO_LABELS: readonly string[] = [];
const copyLink = () => void copyText(location.href);

export default function RecognisePage() {
  const [session, snapshot] = useSession();
  const controls = useControls(session);
  const { settings, mirror } = controls;
  const { status, failure } = useStatus(3000);
  useServerReturn(session, failure);
  const gestures = useSamples();
  const phone = useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false });
  const [drawer, setDrawer] = useState(false);
  const files = useRef<HTMLInputElement>(null);

  const model = snapshot.model ?? status?.recognizer;
  const names = model?.labels ?? NO_LABELS;
  // The status brings a new list each time; charts must not start afresh for an equal one.
  const spelled = names.join('\n');
  const labels = useMemo(() => (spelled === '' ? NO_LABELS : spelled.split('\n')), [spelled]);
  const window = model?.window ?? 10;
  const defaultThreshold = model?.threshold ?? 0.5;
  const threshold = settings.threshold ?? defaultThreshold;
  const running = snapshot.phase !== 'idle' && snapshot.phase !== 'problem';
  const active = snapshot.phase === 'running';
  const cameras = useCameras(active && snapshot.kind === 'camera');

  const openFiles = useCallback(() => files.current?.click(), []);
  const retryNow = useCallback(() => session.retryNow(), [session]);
  useRecogniseShortcuts(controls, { running, threshold, gestures, openFiles, retryNow, copyLink });

  const fileChosen = (event: ChangeEvent<HTMLInputElement>) => {
    const chosen = event.currentTarget.files?.[0];
    if (chosen !== undefined) controls.chooseFile(chosen);
    event.currentTarget.value = '';
  };
  const begin = () => {
    if (settings.source === 'file' && controls.file === null) openFiles();
    else controls.start();
  };

  const startStop = running ? (
    <Button
      variant="default"
      className={css.start}
      leftSection={<Icon name="stop" size={16} />}
      onClick={controls.stop}
      data-testid="stop"
    >
      Stop
    </Button>
  ) : (
    <Button
      className={css.start}
      leftSection={<Icon name="play" size={16} />}
      onClick={begin}
      data-testid="start"
    >
      Start
    </Button>
  );
  const sources = (
    <SourceControls
      kind={settings.source}
      onKind={controls.chooseKind}
      cameras={cameras}
      camera={controls.camera}
      onCamera={controls.chooseCamera}
      file={controls.file}
      onChooseFile={openFiles}
      gestures={gestures}
      gesture={settings.gesture}
      onGesture={controls.chooseGesture}
      onAnotherClip={controls.anotherClip}
    />
  );
  const options = (
    <Options
      threshold={threshold}
      defaultThreshold={defaultThreshold}
      changed={settings.threshold !== null}
      onThreshold={controls.setThreshold}
      mirror={mirror}
      onMirror={controls.setMirror}
    />
  );

  const server = serverState(status, failure);
  return (
    <div className={css.page}>
      <title>Recognise · Sightwire</title>
      <VisuallyHidden component="h1">Recognise gestures</VisuallyHidden>
      <input
        ref={files}
        type="file"
        accept="video/*"
        hidden
        onChange={fileChosen}
        data-testid="file-input"
      />
      <Announcer label={snapshot.label} />
      {(WORTH_SAYING.has(server.word) || (failure !== null && !running)) && (
        <div className={css.notice}>
          <Notice
            tone={server.tone === 'bad' ? 'bad' : server.tone === 'warn' ? 'warn' : 'busy'}
            icon={server.icon}
            title={server.title}
            cause={server.cause}
          >
            {server.text}
          </Notice>
        </div>
      )}

      <div className={css.left}>
        {phone ? null : (
          <div className={css.toolbar}>
            {sources}
            {startStop}
          </div>
        )}
        <Stage snapshot={snapshot} mirror={mirror} onFile={controls.chooseFile}>
          <StageOverlay
            snapshot={snapshot}
            kind={settings.source}
            gesture={settings.gesture}
            actions={{
              start: begin,
              trySample: controls.trySample,
              chooseFile: openFiles,
              retryNow,
            }}
          />
        </Stage>
        {phone ? null : options}
      </div>

      <div className={css.right}>
        <Readout
          session={session}
          snapshot={snapshot}
          labels={labels}
          window={window}
          threshold={threshold}
        />
        <Bars
          session={session}
          labels={labels}
          active={active}
          threshold={threshold}
          stale={snapshot.answerAgeMs !== null}
          shown={snapshot.label}
        />
        <ConfidenceChart session={session} labels={labels} active={active} threshold={threshold} />
        <NumbersPanel
          numbers={snapshot.numbers}
          active={active && snapshot.connection.state === 'live'}
        />
      </div>

      {phone && (
        <>
          <div className={css.phoneBar}>
            {startStop}
            <Button
              variant="default"
              className={css.start}
              leftSection={<Icon name="sliders" />}
              onClick={() => setDrawer(true)}
            >
              Controls
            </Button>
          </div>
          <Suspense fallback={null}>
            <ControlsDrawer opened={drawer} onClose={() => setDrawer(false)}>
              {sources}
              {options}
            </ControlsDrawer>
          </Suspense>
        </>
      )}
    </div>
  );
}
