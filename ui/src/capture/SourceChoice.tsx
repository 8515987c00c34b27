import { Button, NativeSelect, SegmentedControl } from '@mantine/core';
import type { ReactNode } from 'react';
import { Icon, type IconName } from './Icon';
import css from './SourceChoice.module.css';

interface ChoiceProps<Kind extends string> {
  kinds: readonly { value: Kind; icon: IconName; name: string }[];
  kind: Kind;
  onKind: (kind: Kind) => void;
  /** What is to be chosen for this kind; null where there is nothing. */
  children: ReactNode;
}

/** Where the pictures come from: a kind, and which one of it. Every change acts at once. */
export function SourceChoice<Kind extends string>({
  kinds,
  kind,
  onKind,
  children,
}: ChoiceProps<Kind>) {
  return (
    <div className={css.controls}>
      <SegmentedControl
        aria-label="Source"
        value={kind}
        onChange={onKind}
        data-many={kinds.length > MOST_ON_A_LINE || undefined}
        classNames={{
          root: css.kinds ?? '',
          control: css.control ?? '',
          label: css.kind ?? '',
          indicator: css.indicator ?? '',
        }}
        data={kinds.map(({ value, icon, name }) => ({
          value,
          label: (
            <span className={css.word} data-testid={`source-${value}`}>
              <Icon name={icon} />
              {name}
            </span>
          ),
        }))}
      />
      {children !== null && <div className={css.second}>{children}</div>}
    </div>
  );
}

/** Of a phone; more names stand two by two there. */
const MOST_ON_A_LINE = 3;

interface CameraProps {
  cameras: readonly { id: string; name: string }[];
  camera: string;
  onCamera: (id: string) => void;
}

/** Which of this machine's cameras. One that is gone counts as none chosen. */
export function CameraChoice({ cameras, camera, onCamera }: CameraProps) {
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
export function FileChoice({ file, onChoose }: { file: File | null; onChoose: () => void }) {
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
