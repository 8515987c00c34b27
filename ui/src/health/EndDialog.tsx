import { Button, Modal } from '@mantine/core';
import { useState } from 'react';
import { RequestError, sentence } from '../api/http';
import type { LiveStream, LiveViewer } from '../api/live';
import { endStream, endViewer } from '../api/manage';
import { Icon } from '../components/Icon';
import { Notice } from '../components/Notice';
import { count, watched } from './words';
import css from './EndDialog.module.css';

export type Subject = { stream: LiveStream } | { viewer: LiveViewer };

interface Props {
  opened: boolean;
  subject: Subject;
  onClose: () => void;
  /** It was ended; in words. */
  onDone: (words: string) => void;
}

const GONE = 404;

/** Asks once more before somebody is sent off, and says what that means. */
export default function EndDialog({ opened, subject, onClose, onDone }: Props) {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<RequestError | null>(null);
  const { name, button, text } = wordsFor(subject);

  const end = async () => {
    setBusy(true);
    setFailure(null);
    try {
      await ('stream' in subject ? endStream(subject.stream.id) : endViewer(subject.viewer.id));
      onDone(`${name} was ended`);
    } catch (error) {
      // Somebody was faster, or it went by itself: what was wanted is so.
      if (error instanceof RequestError && error.status === GONE)
        onDone(`${name} has gone already`);
      else setFailure(error instanceof RequestError ? error : new RequestError(String(error)));
    } finally {
      setBusy(false);
    }
  };

  return (
    <Modal
      opened={opened}
      onClose={onClose}
      returnFocus={false}
      title={`End ${name}?`}
      closeButtonProps={{ 'aria-label': 'Close' }}
      attributes={{ header: { role: 'presentation' } }}
      centered
      classNames={{ body: css.body ?? '' }}
    >
      <p>{text}</p>
      {failure !== null && (
        <Notice tone="bad" icon="alert" title="It was not ended" cause={failure.message}>
          {sentence(failure)}
        </Notice>
      )}
      <div className={css.actions}>
        <Button
          className={css.danger}
          leftSection={<Icon name="stop" />}
          onClick={() => void end()}
          loading={busy}
          data-autofocus
          data-testid="really-end"
        >
          {button}
        </Button>
        <Button variant="subtle" color="gray" onClick={onClose}>
          Leave it
        </Button>
      </div>
    </Modal>
  );
}

function wordsFor(subject: Subject): { name: string; button: string; text: string } {
  if ('viewer' in subject) {
    const { id, peer, streams } = subject.viewer;
    const at = peer === undefined ? '' : ` at ${peer}`;
    return {
      name: `viewer ${id}`,
      button: 'End the viewer',
      text: `The viewer${at}, who watches ${watched(streams)}, is sent off and told so. It may connect again.`,
    };
  }
  const { name, kind, viewers } = subject.stream;
  if (kind === 'camera') {
    return {
      name,
      button: 'Close the camera',
      text: `The camera is closed, and ${sent(viewers)}. It is opened again when somebody wants to watch it.`,
    };
  }
  return {
    name,
    button: 'End the stream',
    text: `Its sender is told that it was ended here and does not come back by itself; ${sent(viewers)}. The sender may begin again.`,
  };
}

function sent(viewers: number): string {
  if (viewers === 0) return 'nobody is watching';
  return `${count(viewers, 'viewer')} ${viewers === 1 ? 'is' : 'are'} told, too`;
}
