import { VisuallyHidden } from '@mantine/core';
import { lazy, Suspense, useCallback, useMemo, useState } from 'react';
import { patienceMs, statusView } from '../api/statusStore';
import { useSamples } from '../api/useSamples';
import { useServerReturn } from '../api/useServerReturn';
import { useStatus } from '../api/useStatus';
import { Announcer } from '../capture/Announcer';
import { SourceChoice } from '../capture/SourceChoice';
import { StartStop } from '../capture/StartStop';
import { useCameras } from '../capture/useCameras';
import { useFileDialog } from '../capture/useFileDialog';
import { useSession } from '../capture/useSession';
import { isRunning } from '../capture/useSource';
import { VideoInput } from '../capture/VideoInput';
import { copyText } from '../components/copy';
import { formatClock } from '../components/format';
import { Notice } from '../components/Notice';
import { Column, Page } from '../components/page/Page';
import { PhoneControls } from '../components/page/PhoneBar';
import { useOneColumn } from '../components/page/useOneColumn';
import { usePhone } from '../components/page/usePhone';
import { Progress } from '../components/Progress';
import { StateBadge } from '../components/StateBadge';
import { useOpener } from '../components/useOpener';
import { BetterNotice } from '../models/BetterNotice';
import { ModelAnnouncer } from '../models/ModelAnnouncer';
import { ModelBar } from '../models/ModelBar';
import { useModelInUse } from '../models/useModelInUse';
import { NO_PICTURE } from '../recognise/logic/hands';
import { NONE } from '../recognise/logic/labels';
import { isRest } from '../recognise/logic/rest';
import { Session } from '../recognise/session';
import { useControls } from '../recognise/useControls';
import { useRecogniseShortcuts } from '../recognise/useRecogniseShortcuts';
import { Bars } from '../recognise/view/Bars';
import { ClipChoice } from '../recognise/view/ClipChoice';
import { ConfidenceChart } from '../recognise/view/ConfidenceChart';
import { HandGuide, HandHint } from '../recognise/view/HandGuide';
import { HandsLayer } from '../recognise/view/HandsLayer';
import { kindsOf } from '../recognise/view/kinds';
import { NumbersPanel } from '../recognise/view/NumbersPanel';
import { Options } from '../recognise/view/Options';
import { choices, listed } from '../recognise/view/ranking';
import { Readout } from '../recognise/view/Readout';
import { RecogniseStage } from '../recognise/view/RecogniseStage';
import { StageOverlay } from '../recognise/view/StageOverlay';
import { TopChoice } from '../recognise/view/TopChoice';
import { RecordingBar } from '../recording/RecordingBar';
import { useRecorder } from '../recording/useRecorder';
import { Cure } from '../start/Cure';
import { serverState } from '../start/serverState';
import { SentenceAnnouncer } from '../words/SentenceAnnouncer';
import { SentenceCard } from '../words/SentenceCard';
import { sentenceActions, useSentence } from '../words/useSentence';
import { USUAL_HOLD } from '../words/wordRule';
import css from './RecognisePage.module.css';

/** States of the server that explain why results stay away. */
const WORTH_SAYING = new Set(['loading', 'model failed', 'dummy']);
/** Loaded when it is first asked for. */
const ModelsDialog = lazy(() => import('../models/ModelsDialog'));
const NO_LABELS: readonly string[] = [];
const copyLink = () => void copyText(location.href);

export default function RecognisePage() {
  const [session, snapshot] = useSession(() => new Session());
  const controls = useControls(session);
  const { settings, mirror } = controls;
  const { status, failure } = useStatus(patienceMs(statusView()));
  useServerReturn(failure, () => {
    if (session.snapshot().connection.state === 'reconnecting') session.retryNow();
  });
  const gestures = useSamples();
  const phone = usePhone();
  // What comes of a picture stands right below it then.
  const oneColumn = useOneColumn();
  const [models, setModels] = useState<'never' | 'open' | 'closed'>('never');
  const { field, openFiles, begin } = useFileDialog(controls);

  const recognizer = status?.recognizer;
  // A connection hears at once of another model; without one the status does.
  const told = snapshot.connection.state === 'live' ? snapshot.model : null;
  const model = told ?? recognizer ?? snapshot.model;
  const inUse = useModelInUse(told?.name ?? recognizer?.model ?? snapshot.model?.name, recognizer);
  const names = model?.labels ?? NO_LABELS;
  // The status brings a new list each time; charts must not start afresh for an equal one.
  const spelled = names.join('\n');
  const labels = useMemo(() => (spelled === '' ? NO_LABELS : spelled.split('\n')), [spelled]);
  const restLabels = useMemo(
    () => labels.filter((label) => label !== NONE && isRest(label)),
    [labels],
  );
  const window = model?.window ?? 10;
  const defaultThreshold = model?.threshold ?? 0.5;
  const threshold = settings.threshold ?? defaultThreshold;
  const hold = settings.steady ?? USUAL_HOLD;
  const sentence = useSentence(session, hold, settings.rest);
  const recording = useRecorder(session);
  const running = isRunning(snapshot);
  const active = snapshot.phase === 'running';
  const cameras = useCameras(active && snapshot.kind === 'camera');

  const retryNow = useCallback(() => session.retryNow(), [session]);
  const { note, giveBack } = useOpener();
  const openModels = useCallback(() => {
    note();
    setModels('open');
  }, [note]);
  const closeModels = useCallback(() => {
    setModels('closed');
    giveBack();
  }, [giveBack]);
  const { setTop } = controls;
  const nextTop = useCallback(() => {
    const offered = choices(labels.length);
    const now = offered.findIndex(
      (top) => listed(top, labels.length) === listed(settings.top, labels.length),
    );
    const next = offered[(now + 1) % offered.length] ?? 'all';
    setTop(listed(next, labels.length) === listed(null, labels.length) ? null : next);
  }, [labels, settings.top, setTop]);
  useRecogniseShortcuts(controls, {
    running,
    threshold,
    steady: hold,
    usualSteady: USUAL_HOLD,
    nextTop,
    openModels,
    gestures,
    begin,
    openFiles,
    retryNow,
    copyLink,
  });

  const startStop = <StartStop running={running} onStart={begin} onStop={controls.stop} />;
  const kinds = kindsOf(settings.gesture, labels);
  const sources = (
    <SourceChoice kinds={kinds} controls={controls} cameras={cameras} openFiles={openFiles}>
      <ClipChoice
        gestures={gestures}
        gesture={settings.gesture}
        onGesture={controls.chooseGesture}
        onAnotherClip={controls.anotherClip}
      />
    </SourceChoice>
  );
  const topChoice = <TopChoice labels={labels.length} top={settings.top} onTop={setTop} />;
  const options = (
    <Options
      threshold={settings.threshold}
      defaultThreshold={defaultThreshold}
      onThreshold={controls.setThreshold}
      steady={settings.steady}
      defaultSteady={USUAL_HOLD}
      onSteady={controls.setSteady}
      mirror={mirror}
      onMirror={controls.setMirror}
      restLabels={restLabels}
      rest={settings.rest}
      onRest={controls.setRest}
    >
      {phone && choices(labels.length).length > 1 && (
        <div className={css.row}>
          <span>Labels listed</span>
          {topChoice}
        </div>
      )}
    </Options>
  );
  const modelBar = (
    <ModelBar title={inUse.title} note={inUse.note} busy={inUse.busy} onOpen={openModels} />
  );
  const recordingBar = (
    <RecordingBar
      view={recording}
      labels={labels.length}
      active={active && snapshot.label !== null}
    />
  );

  // It stands there from the start, or it would push the page down.
  const hands = snapshot.hands ?? (recognizer?.task === 'landmarks' ? NO_PICTURE : null);
  // On a phone the picture comes first.
  const offer = recognizer?.better != null && <BetterNotice better={recognizer.better} />;
  const server = serverState(status, failure);
  const readout = (
    <Readout
      session={session}
      snapshot={snapshot}
      labels={labels}
      window={window}
      threshold={threshold}
      switchingTo={inUse.switchingTo}
    />
  );
  return (
    <Page title="Recognise · Sightwire" className={css.page} columns>
      <VisuallyHidden component="h1">Recognise gestures</VisuallyHidden>
      <VideoInput field={field} onFile={controls.chooseFile} />
      <Announcer label={snapshot.label} />
      <SentenceAnnouncer view={sentence} />
      <ModelAnnouncer title={inUse.title} switchingTo={inUse.switchingTo} />
      {(WORTH_SAYING.has(server.word) || (failure !== null && !running)) && (
        <Notice
          tone={server.tone === 'bad' ? 'bad' : server.tone === 'warn' ? 'warn' : 'busy'}
          icon={server.icon}
          title={server.title}
          cause={server.cause}
        >
          {server.text}
          {server.command !== null && <Cure command={server.command} />}
          {server.word === 'loading' && recognizer?.loading != null && (
            <div className={css.progress}>
              <Progress label={server.title} value={recognizer.loading.progress} />
            </div>
          )}
        </Notice>
      )}

      {phone ? null : offer}

      <Column>
        {phone ? null : (
          <div className={css.toolbar}>
            {sources}
            {startStop}
          </div>
        )}
        <RecogniseStage
          snapshot={snapshot}
          mirror={mirror}
          onFile={controls.chooseFile}
          corner={
            recording.state === 'recording' && (
              <StateBadge
                tone="bad"
                icon="record"
                word={`recording ${formatClock(recording.lengthMs / 1000)}`}
                data-testid="recording-state"
              />
            )
          }
        >
          <HandsLayer session={session} active={active && snapshot.hands !== null} />
          {active && snapshot.hands !== null && <HandHint view={snapshot.hands} />}
          <StageOverlay
            snapshot={snapshot}
            kind={settings.source}
            kinds={kinds}
            actions={{
              start: begin,
              tryWithoutCamera: controls.trySample,
              chooseFile: openFiles,
              retryNow,
            }}
          />
        </RecogniseStage>
        {oneColumn ? readout : null}
        {hands !== null && <HandGuide view={hands} />}
        {phone ? offer : null}
        <SentenceCard
          view={sentence}
          hold={hold}
          onUndo={sentenceActions.undo}
          onClear={sentenceActions.clear}
        />
        {phone ? null : (
          <>
            {options}
            {recordingBar}
          </>
        )}
      </Column>

      <Column>
        {phone ? null : modelBar}
        {oneColumn ? null : readout}
        <Bars
          session={session}
          labels={labels}
          count={listed(settings.top, labels.length)}
          active={active}
          threshold={threshold}
          stale={snapshot.answerAgeMs !== null}
          shown={snapshot.label}
          choice={phone ? null : topChoice}
        />
        <ConfidenceChart session={session} labels={labels} active={active} threshold={threshold} />
        <NumbersPanel
          numbers={snapshot.numbers}
          active={active && snapshot.connection.state === 'live'}
        />
      </Column>

      {phone && (
        <PhoneControls first={startStop}>
          {sources}
          {modelBar}
          {options}
          {recordingBar}
        </PhoneControls>
      )}
      {models !== 'never' && (
        <Suspense fallback={null}>
          <ModelsDialog
            opened={models === 'open'}
            onClose={closeModels}
            view={inUse.view}
            recognizer={recognizer}
            activation={inUse.activation}
            onActivate={inUse.activate}
          />
        </Suspense>
      )}
    </Page>
  );
}
