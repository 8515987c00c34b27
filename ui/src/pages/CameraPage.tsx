import { ActionIcon, Button, Tooltip } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useCallback, useMemo, useState } from 'react';
import type { Camera, Stream } from 'sightwire/api';
import { camerasPoll } from '../api/cameras';
import { usePoll } from '../api/poll';
import { useStatus } from '../api/useStatus';
import { Link } from '../base/Link';
import { navigate } from '../base/router';
import { DialogHost } from '../cameras/edit/DialogHost';
import { brokenShare } from '../api/course';
import { useCameraDialog } from '../cameras/edit/useCameraDialog';
import { detectionsPath, ofOnePage, pageName, picturesPath } from '../cameras/one/addresses';
import { Counters, Delays, Viewers } from '../cameras/one/Behind';
import { CameraSnippets } from '../cameras/one/CameraSnippets';
import { Numbers } from '../cameras/one/Numbers';
import { ObjectList } from '../cameras/one/ObjectList';
import { ObjectsCard } from '../cameras/one/ObjectsCard';
import { Options, ViewChoice } from '../cameras/one/Options';
import { pictureWords } from '../cameras/one/pictureWords';
import { savePicture } from '../cameras/one/savePicture';
import { type Settings } from '../cameras/one/settings';
import { Stage } from '../cameras/one/Stage';
import { useCameraShortcuts } from '../cameras/one/useCameraShortcuts';
import { useDetections } from '../cameras/one/useDetections';
import { useLivePicture } from '../cameras/one/useLivePicture';
import { useRate } from '../cameras/one/useRate';
import { useSettings } from '../cameras/one/useSettings';
import { useStream } from '../cameras/one/useStream';
import { copyText } from '../components/copy';
import { Icon } from '../components/Icon';
import { Column, Page } from '../components/page/Page';
import { PhoneControls } from '../components/page/PhoneBar';
import { NotFound } from '../components/NotFound';
import { usePhone } from '../components/page/usePhone';
import { ToolButton } from '../components/ToolButton';
import css from './CameraPage.module.css';

const LIST_EVERY_MS = 3000;
/** A slider that is being moved opens nothing yet. */
const SETTLE_MS = 250;
const USUAL_SHAPE = 4 / 3;
const NONE: readonly Camera[] = [];
const copyLink = () => void copyText(location.href);
const backToAll = (camera: Camera | null) => {
  if (camera === null) navigate('/cameras');
};

export default function CameraPage({ id }: { id: string }) {
  const { answer } = usePoll(camerasPoll, LIST_EVERY_MS);
  const cameras = answer?.cameras ?? NONE;
  const camera = cameras.find((one) => one.id === id);
  if (answer !== null && camera === undefined) return <Unknown id={id} />;
  const mayChange = answer?.may_change === true;
  return <OneCamera id={id} camera={camera} cameras={cameras} mayChange={mayChange} />;
}

interface Props {
  id: string;
  /** Undefined until the list has come. */
  camera: Camera | undefined;
  cameras: readonly Camera[];
  mayChange: boolean;
}

function OneCamera({ id, camera, cameras, mayChange }: Props) {
  const [settings, change] = useSettings();
  const [settled] = useDebouncedValue(settings, SETTLE_MS, { leading: true });
  const [page] = useState(pageName);
  const [pictures, objects] = ofOnePage(
    page,
    picturesPath(id, settled),
    detectionsPath(id, settled),
  );
  const [picture, live] = useLivePicture(pictures);
  const analysed = settled.view !== 'plain';
  const [feed, found] = useDetections(analysed ? objects : null);
  const view = useStream(id);
  const shown = useRate(picture);
  const detector = useStatus(3000).status?.detector;
  const { edit, state } = useCameraDialog(backToAll);
  const phone = usePhone();

  const name = camera?.name ?? id;
  const hasFrame = live.ageMs !== null;
  const words = pictureWords(view.stream, live, view.silent !== null, brokenShare(view.history));
  const save = useCallback(() => {
    const newest = picture.newestPicture();
    if (newest !== null) savePicture(newest, id, new Date());
  }, [picture, id]);
  const editThis = useCallback(() => {
    if (camera !== undefined) edit(camera);
  }, [camera, edit]);
  const goTo = useCallback(
    (by: number) => {
      const at = cameras.findIndex((one) => one.id === id);
      const next = cameras.at((at + by) % cameras.length);
      if (next !== undefined && next.id !== id) navigate(`/cameras/${next.id}`);
    },
    [cameras, id],
  );
  const more = useMemo(() => {
    const usualConfidence = detector?.confidence ?? 0.25;
    const edit = mayChange ? editThis : null;
    return { usualConfidence, save, edit, retryNow: picture.retryNow, copyLink, goTo };
  }, [detector?.confidence, save, mayChange, editThis, picture, goTo]);
  useCameraShortcuts(settings, change, more);

  const views = <ViewChoice settings={settings} onChange={change} />;
  const options = <Options settings={settings} onChange={change} detector={detector} />;
  const saveButton = (
    <ToolButton
      icon="download"
      variant={phone ? 'default' : 'subtle'}
      onClick={save}
      disabled={!hasFrame}
      data-testid="save"
    >
      Save frame
    </ToolButton>
  );
  return (
    <Page title={`${name} · Sightwire`} className={css.page} columns>
      <header className={css.head}>
        <Tooltip label="All cameras">
          <ActionIcon component={Link} href="/cameras" aria-label="All cameras">
            <Icon name="left" size={20} />
          </ActionIcon>
        </Tooltip>
        <h1 className={css.title}>{name}</h1>
        {mayChange && (
          <Tooltip label="Edit the camera">
            <ActionIcon
              onClick={editThis}
              disabled={camera === undefined}
              aria-label="Edit the camera"
            >
              <Icon name="edit" size={20} />
            </ActionIcon>
          </Tooltip>
        )}
        {!phone && (
          <div className={css.tools}>
            {saveButton}
            {views}
          </div>
        )}
      </header>

      <Column className={css.left}>
        <Stage name={name} picture={picture} live={live} words={words} shape={shape(view.stream)}>
          {live.phase === 'failed' && (
            <Button
              variant="default"
              leftSection={<Icon name="retry" />}
              onClick={picture.retryNow}
              data-testid="retry"
            >
              Try now
            </Button>
          )}
        </Stage>
        {!phone && options}
      </Column>
      <Column className={css.right}>
        <Numbers view={view} live={live} shown={shown} />
        <ObjectsCard
          feed={feed}
          view={found}
          settings={settings}
          onClasses={(classes) => change({ classes })}
        />
        <ObjectList view={found} settings={settings} live={words.live} hasFrame={hasFrame} />
      </Column>

      <div className={css.behind}>
        <Delays stream={view.stream} analysis={analysisOf(view.stream, settled)} />
        <Counters stream={view.stream} />
        <Viewers stream={view.stream} />
      </div>
      <div className={css.wide}>
        <CameraSnippets
          pictures={picturesPath(id, settled)}
          objects={detectionsPath(id, settled)}
        />
      </div>

      {phone && (
        <PhoneControls first={saveButton}>
          {views}
          {options}
        </PhoneControls>
      )}
      <DialogHost state={state} />
    </Page>
  );
}

function Unknown({ id }: { id: string }) {
  return (
    <NotFound title="Camera not found">
      <p>
        There is no camera with the id <code>{id}</code>. It may have been removed.
      </p>
      <Button component={Link} href="/cameras">
        All cameras
      </Button>
    </NotFound>
  );
}

/** Width by height of the pictures, kept to what fits a page. */
function shape(stream: Stream | null): number {
  if (stream?.width == null || stream.height == null) return USUAL_SHAPE;
  return Math.min(16 / 9, Math.max(1, stream.width / stream.height));
}

/** The analysis that this view shares: a stream has one, as fast as the fastest of its viewers wants it. */
function analysisOf(stream: Stream | null, settings: Settings) {
  return settings.view === 'plain' ? null : (stream?.analyses[0] ?? null);
}
