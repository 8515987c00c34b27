import { Modal } from '@mantine/core';
import type { Camera } from 'sightwire/api';
import { usePhone } from '../../components/page/usePhone';
import { CameraForm } from './CameraForm';
import type { Draft } from './draft';
import css from './CameraDialog.module.css';

/** What the dialog is about: a camera that is there, or a new one with what is known of it. */
export type Subject = { camera: Camera } | { begin: Partial<Draft> };

interface Props {
  opened: boolean;
  subject: Subject;
  onClose: () => void;
  /** It was added, changed or removed. */
  onDone: (camera: Camera | null) => void;
}

/** Adds, changes, tests and removes a camera. */
export default function CameraDialog({ opened, subject, onClose, onDone }: Props) {
  const phone = usePhone();
  const camera = 'camera' in subject ? subject.camera : null;
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      returnFocus={false}
      title={camera === null ? 'Add a camera' : camera.name}
      closeButtonProps={{ 'aria-label': 'Close' }}
      attributes={{ header: { role: 'presentation' } }}
      centered
      fullScreen={phone}
      size="52rem"
      classNames={{ body: css.body ?? '' }}
    >
      <CameraForm
        key={camera?.id ?? ''}
        camera={camera}
        begin={'begin' in subject ? subject.begin : {}}
        onDone={onDone}
        onCancel={onClose}
      />
    </Modal>
  );
}
