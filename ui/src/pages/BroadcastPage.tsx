import { VisuallyHidden } from '@mantine/core';
import { useCallback, useRef } from 'react';
import { patienceMs, statusView } from '../api/statusStore';
import { useServerReturn } from '../api/useServerReturn';
import { useStatus } from '../api/useStatus';
import { Session } from '../broadcast/session';
import { wallPath } from '../broadcast/snippets';
import { useBroadcastShortcuts } from '../broadcast/useBroadcastShortcuts';
import { useControls } from '../broadcast/useControls';
import { usePreview } from '../broadcast/usePreview';
import { useWakeLock } from '../broadcast/useWakeLock';
import { BroadcastStage } from '../broadcast/view/BroadcastStage';
import { KINDS } from '../broadcast/view/kinds';
import { NumbersPanel } from '../broadcast/view/NumbersPanel';
import { Options } from '../broadcast/view/Options';
import { PreviewCard } from '../broadcast/view/PreviewCard';
import { ShareCard } from '../broadcast/view/ShareCard';
import { StageOverlay } from '../broadcast/view/StageOverlay';
import { SendSnippets } from '../broadcast/view/SendSnippets';
import { WatchSnippets } from '../broadcast/view/WatchSnippets';
import { broadcastWords } from '../broadcast/words';
import { Announcer } from '../capture/Announcer';
import { SourceChoice } from '../capture/SourceChoice';
import { StartStop } from '../capture/StartStop';
import { useCameras } from '../capture/useCameras';
import { useFileDialog } from '../capture/useFileDialog';
import { useSession } from '../capture/useSession';
import { isRunning } from '../capture/useSource';
import { VideoInput } from '../capture/VideoInput';
import { copyText } from '../components/copy';
import { DropCover } from '../components/DropCover';
import { Column, Page } from '../components/page/Page';
import { PhoneControls } from '../components/page/PhoneBar';
import { usePhone } from '../components/page/usePhone';
import { useFileDrop } from '../components/useFileDrop';
import css from './BroadcastPage.module.css';

const copyLink = () => void copyText(location.href);

export default function BroadcastPage() {
  const [session, snapshot] = useSession(() => new Session());
  const controls = useControls(session);
  const { settings, name, change } = controls;
  const { failure } = useStatus(patienceMs(statusView()));
  useServerReturn(failure, () => session.retryNow());
  const { phase, stream } = snapshot;
  const running = isRunning(snapshot);
  const active = phase === 'on';
  useWakeLock(active);
  // A name that is taken is somebody else's stream.
  const ours = active && stream.state !== 'refused';
  const preview = usePreview(ours && settings.preview ? name : null);
  const cameras = useCameras(active && snapshot.kind === 'camera');
  const phone = usePhone();
  const { field, openFiles, begin } = useFileDialog(controls);
  const nameField = useRef<HTMLInputElement>(null);

  const editName = useCallback(() => nameField.current?.select(), []);
  const retryNow = useCallback(() => session.retryNow(), [session]);
  // In a tab of its own: leaving this page ends the stream.
  const toWall = useCallback(() => window.open(wallPath(name), '_blank', 'noopener'), [name]);
  const { chooseFile } = controls;
  const over = useFileDrop(
    useCallback(
      ({ files: [file] }: DataTransfer) => {
        if (file !== undefined) chooseFile(file);
      },
      [chooseFile],
    ),
  );
  useBroadcastShortcuts(controls, {
    running,
    begin,
    openFiles,
    editName,
    toWall,
    retryNow,
    copyLink,
  });

  const startStop = <StartStop running={running} onStart={begin} onStop={controls.stop} />;
  const sources = (
    <SourceChoice kinds={KINDS} controls={controls} cameras={cameras} openFiles={openFiles} />
  );
  const options = <Options settings={settings} onChange={change} />;
  // Seconds go on; who listens wants the state.
  const word = broadcastWords(snapshot).word.replace(/ \d+ s$/, '');

  return (
    <Page
      title={
        stream.state === 'live' ? `● ${name} · Broadcast · Sightwire` : 'Broadcast · Sightwire'
      }
      className={css.page}
      columns
    >
      <VisuallyHidden component="h1">Broadcast</VisuallyHidden>
      <VideoInput field={field} onFile={controls.chooseFile} />
      <Announcer label={phase === 'idle' ? null : word} />

      <Column>
        {!phone && sources}
        <BroadcastStage snapshot={snapshot}>
          <StageOverlay
            snapshot={snapshot}
            kind={settings.source}
            actions={{
              start: begin,
              tryWithoutCamera: controls.tryTest,
              chooseFile: openFiles,
              editName,
              retryNow,
            }}
          />
        </BroadcastStage>
        {!phone && options}
      </Column>

      <Column>
        <ShareCard
          name={name}
          mode={settings.mode}
          onChange={change}
          field={nameField}
          onStart={begin}
          running={running}
          previews={preview.open}
        >
          {!phone && startStop}
        </ShareCard>
        <NumbersPanel snapshot={snapshot} preview={preview} />
        <PreviewCard
          preview={preview}
          active={active}
          on={settings.preview}
          onSwitch={(on) => change({ preview: on })}
        />
      </Column>

      <div className={css.wide}>
        <WatchSnippets name={name} />
        <SendSnippets />
      </div>

      {over && <DropCover icon="file">Drop a video file to share it</DropCover>}
      {phone && (
        <PhoneControls first={startStop}>
          {sources}
          {options}
        </PhoneControls>
      )}
    </Page>
  );
}
