import { Button, NativeSelect, SegmentedControl } from '@mantine/core';
import { Icon, type IconName } from '../../components/Icon';
import type { SourceKind } from '../logic/settings';
import type { Camera } from './useCameras';
import css from './SourceControls.module.css';

const KINDS: { value: SourceKind; icon: IconName; name: string }[] = [
  { value: 'camera', icon: 'camera', name: 'Camera' },
  { value: 'file', icon: 'file', name: 'Video file' },
  { value: 'sample', icon: 'clip', name: 'Generated clip' },
];

export interface SourceControlsProps {
  kind: SourceKind;
  onKind: (kind: SourceKind) => void;
  cameras: readonly Camera[];
  camera: string;
  onCamera: (id: string) => void;
  file: File | null;
  onChooseFile: () => void;
  gestures: readonly string[];
  gesture: string;
  onGesture: (gesture: string) => void;
  onAnotherClip: () => void;
}

/** Where the pictures come from. Every change acts at once. */
export function SourceControls(props: SourceControlsProps) {
  return (
    <div className={css.controls}>
      <SegmentedControl
        aria-label="Source"
        value={props.kind}
        onChange={props.onKind}
        classNames={{
          root: css.kinds ?? '',
          control: css.control ?? '',
          label: css.kind ?? '',
          indicator: css.indicator ?? '',
        }}
        data={KINDS.map(({ value, icon, name }) => ({
          value,
          label: (
            <span className={css.word} data-testid={`source-${value}`}>
              <Icon name={icon} />
              {name}
            </span>
          ),
        }))}
      />
      <div className={css.second}>
        <Second {...props} />
      </div>
    </div>
  );
}

function Second(props: SourceControlsProps) {
  switch (props.kind) {
    case 'camera':
      return (
        <NativeSelect
          aria-label="Camera"
          data-testid="camera"
          className={css.grow}
          value={props.cameras.some((camera) => camera.id === props.camera) ? props.camera : ''}
          onChange={(event) => props.onCamera(event.currentTarget.value)}
          data={[
            { value: '', label: 'Browser default' },
            ...props.cameras.map((camera) => ({ value: camera.id, label: camera.name })),
          ]}
        />
      );
    case 'file':
      return (
        <Button
          variant="default"
          className={css.grow}
          leftSection={<Icon name="file" />}
          onClick={props.onChooseFile}
        >
          <span className={css.name}>{props.file?.name ?? 'Choose a file'}</span>
        </Button>
      );
    case 'sample':
      return (
        <>
          <NativeSelect
            aria-label="Gesture"
            data-testid="gesture"
            className={css.grow}
            value={props.gesture}
            onChange={(event) => props.onGesture(event.currentTarget.value)}
            data={
              props.gestures.includes(props.gesture)
                ? [...props.gestures]
                : [props.gesture, ...props.gestures]
            }
          />
          <Button
            variant="default"
            px="sm"
            onClick={props.onAnotherClip}
            leftSection={<Icon name="retry" />}
          >
            Another
          </Button>
        </>
      );
  }
}
