import { Button, NativeSelect } from '@mantine/core';
import { Icon, type IconName } from '../../components/Icon';
import { CameraChoice, FileChoice, SourceChoice } from '../../components/SourceChoice';
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
    <SourceChoice kinds={KINDS} kind={props.kind} onKind={props.onKind}>
      <Second {...props} />
    </SourceChoice>
  );
}

function Second(props: SourceControlsProps) {
  switch (props.kind) {
    case 'camera':
      return <CameraChoice {...props} />;
    case 'file':
      return <FileChoice file={props.file} onChoose={props.onChooseFile} />;
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
