import { Button, NativeSelect, SegmentedControl } from '@mantine/core';
import type { ReactNode } from 'react';
import { Icon } from '../components/Icon';
import type { KindWords } from './kindWords';
import css from './SourceChoice.module.css';
import type { Camera } from './useCameras';
import type { Chosen } from './useSource';

interface Props<Kind extends string> {
  kinds: Record<Kind, Pick<KindWords, 'icon' | 'name'>>;
  controls: Controls<Kind>;
  cameras: readonly Camera[];
  openFiles: () => void;
  /** What is to be chosen for other kinds than cameras and files. */
  children?: ReactNode;
}

interface Controls<Kind> extends Chosen {
  settings: { source: Kind };
  chooseKind: (kind: Kind) => void;
  chooseCamera: (id: string) => void;
}

/** Where the pictures come from: a kind, and which one of it. Every change acts at once. */
export function SourceChoice<Kind extends string>(props: Props<Kind>) {
  const { kinds, controls, cameras, openFiles, children } = props;
  const kind = controls.settings.source;
  const values = Object.keys(kinds) as Kind[];
  const second =
    kind === 'camera' ? (
      <CameraChoice cameras={cameras} camera={controls.camera} onCamera={controls.chooseCamera} />
    ) : kind === 'file' ? (
      <FileChoice file={controls.file} onChoose={openFiles} />
    ) : (
      children
    );
  return (
    <div className={css.controls}>
      <SegmentedControl
        aria-label="Source"
        value={kind}
        onChange={controls.chooseKind}
        data-many={values.length > MOST_ON_A_LINE || undefined}
        classNames={{
          root: css.kinds ?? '',
          control: css.control ?? '',
          label: css.kind ?? '',
          indicator: css.indicator ?? '',
        }}
        data={values.map((value) => ({
          value,
          label: (
            <span className={css.word} data-testid={`source-${value}`}>
              <Icon name={kinds[value].icon} />
              {kinds[value].name}
            </span>
          ),
        }))}
      />
      {second !== undefined && <div className={css.second}>{second}</div>}
    </div>
  );
}

/** Of a phone; more names stand two by two there. */
const MOST_ON_A_LINE = 3;

interface CameraProps {
  cameras: readonly Camera[];
  camera: string;
  onCamera: (id: string) => void;
}

/** Which of this machine's cameras. One that is gone counts as none chosen. */
function CameraChoice({ cameras, camera, onCamera }: CameraProps) {
  return (
    <NativeSelect
      aria-label="Camera"
      data-testid="camera"
      className={css.grow}
      value={cameras.some(({ id }) => id === camera) ? camera : ''}
      onChange={(event) => onCamera(event.currentTarget.value)}
      data={[
        { value: '', label: 'Browser default' },
        ...cameras.map(({ id, name }) => ({ value: id, label: name })),
      ]}
    />
  );
}

/** Which file, by the dialog of the browser. */
function FileChoice({ file, onChoose }: { file: File | null; onChoose: () => void }) {
  return (
    <Button
      variant="default"
      className={css.grow}
      leftSection={<Icon name="file" />}
      onClick={onChoose}
    >
      <span className={css.name}>{file?.name ?? 'Choose a file'}</span>
    </Button>
  );
}
