import { Button, VisuallyHidden } from '@mantine/core';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { Camera } from 'sightwire/api';
import { camerasPoll, streamsPoll } from '../api/cameras';
import { usePoll } from '../api/poll';
import { useMay } from '../api/session';
import { replaceSearch } from '../base/router';
import { useShortcuts } from '../base/shortcuts';
import { DialogHost } from '../cameras/edit/DialogHost';
import { useCameraDialog } from '../cameras/edit/useCameraDialog';
import { CameraTile } from '../cameras/grid/CameraTile';
import { EmptyCameras } from '../cameras/grid/EmptyCameras';
import { OtherStreams } from '../cameras/grid/OtherStreams';
import { StateAnnouncer } from '../cameras/grid/StateAnnouncer';
import { places, summary } from '../cameras/grid/summary';
import { GridPictures } from '../cameras/pictures/gridPictures';
import { Icon } from '../components/Icon';
import { Notice } from '../components/Notice';
import { Page } from '../components/page/Page';
import { PageHead } from '../components/page/PageHead';
import css from './CamerasPage.module.css';

const EVERY_MS = 1000;
/** So few may be larger. */
const FEW = 3;
const NONE: readonly Camera[] = [];

export default function CamerasPage() {
  const { answer, failure } = usePoll(camerasPoll, EVERY_MS);
  const streams = usePoll(streamsPoll, EVERY_MS).answer?.streams ?? [];
  const [pictures] = useState(() => new GridPictures());
  useEffect(() => {
    if (answer === null) return;
    const open = answer.cameras.filter(({ stream }) => stream !== null).map(({ id }) => id);
    pictures.places.update(open, answer.max_upstreams - answer.upstreams);
  }, [pictures, answer]);
  const cameras = answer?.cameras ?? NONE;
  const others = streams.filter(
    ({ id, kind }) => kind !== 'relay' && !cameras.some((camera) => camera.id === id),
  );
  const { add, edit, state } = useCameraDialog();
  const addNew = useCallback(() => add(), [add]);
  const mayAdd = answer?.may_change !== false;
  const isKnown = answer !== null;
  const [asked] = useState(() => new URLSearchParams(location.search).has('add'));
  const hasBegun = useRef(false);
  // A link to the form itself; it is not opened again by who comes back.
  useEffect(() => {
    if (!asked || !isKnown || hasBegun.current) return;
    hasBegun.current = true;
    replaceSearch('');
    if (mayAdd) addNew();
  }, [asked, isKnown, mayAdd, addNew]);
  // Whose role does not allow it is not told of it on each visit; others find out what else is in the way.
  const isTold = useMay('operator', 'cameras');
  const shortcuts = useMemo(
    () => (mayAdd ? [{ key: 'a', what: 'Add a camera', run: addNew }] : []),
    [mayAdd, addNew],
  );
  useShortcuts('Cameras', shortcuts);

  return (
    <Page title="Cameras · Sightwire" className={css.page}>
      <PageHead
        title="Cameras"
        line={
          answer === null
            ? failure === null && 'Loading…'
            : cameras.length === 0
              ? 'Live video with object detection.'
              : failure !== null
                ? `${summary(answer)}, as of the last answer`
                : `${summary(answer)} · ${places(answer)}`
        }
        lineId="summary"
      >
        {cameras.length > 0 && mayAdd && (
          <Button leftSection={<Icon name="plus" />} onClick={addNew} data-testid="add-camera">
            Add a camera
          </Button>
        )}
      </PageHead>

      {failure !== null && (
        <Notice
          tone="bad"
          icon="plug"
          title="The server is not responding"
          cause={failure.message}
          data-testid="silent"
        >
          {answer === null
            ? 'Retrying automatically.'
            : 'The frames shown are old. Retrying automatically.'}
        </Notice>
      )}
      {!mayAdd && isTold && answer.why_not !== null && (
        <Notice tone="warn" icon="alert" title="Cameras cannot be changed from here">
          {answer.why_not}
        </Notice>
      )}

      {answer !== null && cameras.length === 0 && (
        <EmptyCameras onAdd={addNew} whyNot={mayAdd ? null : (answer.why_not ?? '')} />
      )}
      <ul className={css.grid} aria-label="Cameras" data-few={cameras.length <= FEW || undefined}>
        {cameras.map((camera) => (
          <li key={camera.id}>
            <CameraTile
              camera={camera}
              pictures={pictures}
              stale={failure !== null}
              onEdit={mayAdd ? edit : null}
            />
          </li>
        ))}
      </ul>
      <OtherStreams streams={others} stale={failure !== null} />
      <VisuallyHidden>
        <StateAnnouncer cameras={cameras} />
      </VisuallyHidden>
      <DialogHost state={state} />
    </Page>
  );
}
