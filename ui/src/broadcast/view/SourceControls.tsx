import { Button, NativeSelect, SegmentedControl } from '@mantine/core';
import { Icon, type IconName } from '../../components/Icon';
import css from '../../recognise/view/SourceControls.module.css';
import type { Camera } from '../../recognise/view/useCameras';
import type { SourceKind } from '../settings';
import own from './SourceControls.module.css';

const KINDS: { value: SourceKind; icon: IconName; name: string }[] = [
  { value: 'camera', icon: 'camera', name: 'Camera' },
  { value: 'screen', icon: 'system', name: 'Screen' },
  { value: 'file', icon: 'file', name: 'Video file' },
  { value: 'test', icon: 'clip', name: 'Test pattern' },
];

interface Props {
  kind: SourceKind;
  onKind: (kind: SourceKind) => void;
  cameras: readonly Camera[];
  camera: string;
  onCamera: (id: string) => void;
  file: File | null;
  onChooseFile: () => void;
}

/** Where the pictures come from. Every change acts at once. */
export function SourceControls(props: Props) {
  return (
    <div className={css.controls}>
      <SegmentedControl
        aria-label="Source"
        value={props.kind}
        onChange={props.onKind}
        classNames={{
          root: `${css.kinds} ${own.kinds}`,
          control: css.control ?? '',
          label: `${css.kind} ${own.kind}`,
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
      {props.kind === 'camera' && (
        <NativeSelect
          aria-label="Camera"
          data-testid="camera"
          className={css.second}
          value={props.cameras.some(({ id }) => id === props.camera) ? props.camera : ''}
          onChange={(event) => props.onCamera(event.currentTarget.value)}
          data={[
            { value: '', label: 'Browser default' },
            ...props.cameras.map(({ id, name }) => ({ value: id, label: name })),
          ]}
        />
      )}
      {props.kind === 'file' && (
        <Button
          variant="default"
          className={css.second}
          leftSection={<Icon name="file" />}
          onClick={props.onChooseFile}
        >
          <span className={css.name}>{props.file?.name ?? 'Choose a file'}</span>
        </Button>
      )}
    </div>
  );
}
