import { Button, SegmentedControl, Switch, TextInput } from '@mantine/core';
import { type SyntheticEvent, useState } from 'react';
import type { Camera } from 'sightwire/api';
import { addCamera, changeCamera } from '../../api/cameras';
import { RequestError, sentence } from '../../api/http';
import { Icon } from '../../components/Icon';
import { Notice } from '../../components/Notice';
import { Setting } from '../../components/Setting';
import {
  address,
  type Draft,
  draftOf,
  EMPTY,
  type Field,
  isMasked,
  missing,
  toAdd,
  toChange,
  USUAL_CAPTURE_FPS,
} from './draft';
import { RemoveButton } from './RemoveButton';
import { TestResult } from './TestResult';
import { useTest } from './useTest';
import css from './CameraForm.module.css';

interface Props {
  /** Null for a new one. */
  camera: Camera | null;
  begin: Partial<Draft>;
  onDone: (camera: Camera | null) => void;
  onCancel: () => void;
}

const UNPROCESSABLE = 422;

export function CameraForm({ camera, begin, onDone, onCancel }: Props) {
  const [draft, setDraft] = useState<Draft>(() =>
    camera === null ? { ...EMPTY, ...begin } : draftOf(camera),
  );
  const [wrong, setWrong] = useState<Partial<Record<Field, string>>>({});
  const [failed, setFailed] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [test, beginTest, endTest] = useTest();
  const fixed = camera?.configured === true;

  const put = (change: Partial<Draft>) => {
    setDraft({ ...draft, ...change });
    setWrong({});
    setFailed(null);
    if ('url' in change || 'mode' in change) endTest();
  };
  /** Whether the server may be asked; says what is missing if not. */
  const isComplete = (fields: readonly Field[]): boolean => {
    const found = missing(draft);
    const of = Object.fromEntries(
      fields.flatMap((field) => (found[field] ? [[field, found[field]]] : [])),
    );
    setWrong(of);
    return Object.keys(of).length === 0;
  };
  const tryIt = () => {
    if (!isComplete(['url'])) return;
    const { mode } = draft;
    // Of a camera that is there, name and password stand in where the address hides them.
    beginTest({ ...(camera === null ? {} : { id: camera.id }), url: address(draft.url), mode });
  };
  const keep = async () => {
    const change = camera === null ? null : toChange(camera, draft);
    if (camera !== null && change === null) {
      onCancel();
      return;
    }
    setBusy(true);
    try {
      onDone(
        camera === null || change === null
          ? await addCamera(toAdd(draft))
          : await changeCamera(camera.id, change),
      );
    } catch (error) {
      const why = sentence(error);
      if (error instanceof RequestError && error.status === UNPROCESSABLE) setWrong({ url: why });
      else setFailed(why);
    } finally {
      setBusy(false);
    }
  };
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!fixed && isComplete(['name', 'url'])) void keep();
  };

  return (
    <form className={css.form} onSubmit={submit} noValidate>
      {fixed && (
        <div className={css.wide}>
          <Notice tone="busy" icon="file" title="This camera is defined in sightwire.toml">
            Change its <code>[[camera]]</code> table there and reload the configuration. Here it can
            only be tested.
          </Notice>
        </div>
      )}
      <div className={css.fields}>
        <TextInput
          label="Name"
          value={draft.name}
          onChange={(event) => put({ name: event.currentTarget.value })}
          error={wrong.name}
          readOnly={fixed}
          data-autofocus={!fixed || undefined}
          autoComplete="off"
        />
        <TextInput
          label="Address"
          description={
            isMasked(draft.url)
              ? 'The user name and password are not shown. Leave ***:*** unchanged to keep them.'
              : 'With a user name and password if needed: http://name:password@192.168.1.50/stream'
          }
          placeholder="http://192.168.1.50/stream"
          value={draft.url}
          onChange={(event) => put({ url: event.currentTarget.value })}
          error={wrong.url}
          readOnly={fixed}
          inputMode="url"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
        />
        {draft.mode !== 'folder' && draft.mode !== 'simulated' && (
          <div>
            <p className={css.label} id="kind">
              Kind
            </p>
            <SegmentedControl
              aria-labelledby="kind"
              fullWidth
              readOnly={fixed}
              value={draft.mode}
              onChange={(mode) => put({ mode: mode })}
              data={[
                { value: 'stream', label: 'Stream' },
                { value: 'capture', label: 'Snapshots' },
              ]}
            />
            <p className={css.hint}>
              {draft.mode === 'stream'
                ? 'The camera sends frames continuously (MJPEG), as ESP32-CAM boards do at /stream.'
                : 'The server requests each frame, for example from /capture. Slower; for boards without a stream.'}
            </p>
          </div>
        )}
        {draft.mode === 'capture' && !fixed && (
          <Setting
            id="capture-fps"
            name="Frame rate"
            explain="Frames requested per second. Boards that get too many requests fall behind or restart."
            value={draft.fps === USUAL_CAPTURE_FPS ? null : draft.fps}
            usual={USUAL_CAPTURE_FPS}
            least={1}
            most={30}
            step={1}
            note="fps"
            onChange={(fps) => put({ fps })}
          />
        )}
        <TextInput
          label="User"
          description="Optional. Clients that send this as X-User-ID get this camera from /stream."
          value={draft.user}
          onChange={(event) => put({ user: event.currentTarget.value })}
          readOnly={fixed}
          autoComplete="off"
          autoCapitalize="none"
        />
        <Switch
          label="Default camera"
          description="Used by /stream when no camera is given"
          checked={draft.default}
          disabled={fixed}
          onChange={(event) => put({ default: event.currentTarget.checked })}
        />
      </div>
      <div className={css.side}>
        <TestResult test={test} />
        <Button
          variant="default"
          leftSection={<Icon name="eye" />}
          onClick={tryIt}
          loading={false}
          aria-disabled={test.state === 'running'}
          data-testid="test-camera"
        >
          {test.state === 'idle' ? 'Test' : 'Test again'}
        </Button>
      </div>
      {failed !== null && (
        <div className={css.wide}>
          <Notice tone="bad" icon="alert" title="Not saved">
            {failed}
          </Notice>
        </div>
      )}
      <div className={`${css.wide} ${css.actions}`}>
        {camera !== null && !fixed && (
          <RemoveButton camera={camera} onRemoved={() => onDone(null)} onFailed={setFailed} />
        )}
        <span className={css.end}>
          <Button variant="default" onClick={onCancel}>
            {fixed ? 'Close' : 'Cancel'}
          </Button>
          {!fixed && (
            <Button
              type="submit"
              leftSection={<Icon name="check" />}
              aria-disabled={busy}
              data-testid="save-camera"
            >
              {camera === null ? 'Add camera' : 'Save'}
            </Button>
          )}
        </span>
      </div>
    </form>
  );
}
