import { Button, Modal } from '@mantine/core';
import type { ClusterProcess } from 'sightwire/api';
import { useState } from 'react';
import { RequestError, sentence } from '../api/http';
import type { LiveStream, LiveViewer } from '../api/live';
import { drain, endStream, endViewer } from '../api/manage';
import { Icon } from '../components/Icon';
import { Notice } from '../components/Notice';
import { count, watched } from './words';
import css from './EndDialog.module.css';

export type Subject = { stream: LiveStream } | { viewer: LiveViewer } | { process: ClusterProcess };

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
  const { name, title, button, text, done } = wordsFor(subject);

  const end = async () => {
    setBusy(true);
    setFailure(null);
    try {
      await act(subject);
      onDone(done);
    } catch (error) {
      // Somebody was faster, or it went by itself: what was wanted is so.
      if (error instanceof RequestError && error.status === GONE)
        onDone(`${name} has already ended`);
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
      title={title}
      closeButtonProps={{ 'aria-label': 'Close' }}
      attributes={{ header: { role: 'presentation' } }}
      centered
      classNames={{ body: css.body ?? '' }}
    >
      <p>{text}</p>
      {failure !== null && (
        <Notice tone="bad" icon="alert" title="Not done" cause={failure.message}>
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
          Cancel
        </Button>
      </div>
    </Modal>
  );
}

function act(subject: Subject): Promise<void> {
  if ('process' in subject) return drain(subject.process.name);
  return 'stream' in subject ? endStream(subject.stream.id) : endViewer(subject.viewer.id);
}

interface Wording {
  name: string;
  title: string;
  button: string;
  text: string;
  /** Said when it is done. */
  done: string;
}

function wordsFor(subject: Subject): Wording {
  if ('process' in subject) {
    const { name, cameras } = subject.process;
    return {
      name,
      title: `Drain ${name}?`,
      button: 'Drain the process',
      text: `${cameras === 0 ? 'It reads no cameras now, and takes none' : `${count(cameras, 'camera')} ${cameras === 1 ? 'is' : 'are'} read by other processes from now on, and it takes none`} until it is started again. It says that it is not ready, so that a proxy sends new clients elsewhere; those who are there stay.`,
      done: `${name} drains`,
    };
  }
  const words = wordsForEnd(subject);
  return { ...words, title: `End ${words.name}?`, done: `${words.name} was ended` };
}

function wordsForEnd(subject: Exclude<Subject, { process: ClusterProcess }>) {
  if ('viewer' in subject) {
    const { id, peer, streams } = subject.viewer;
    const at = peer === undefined ? '' : ` at ${peer}`;
    return {
      name: `viewer ${id}`,
      button: 'Disconnect the viewer',
      text: `The viewer${at}, watching ${watched(streams)}, is disconnected and notified. It may reconnect.`,
    };
  }
  const { name, kind, viewers } = subject.stream;
  if (kind === 'camera') {
    return {
      name,
      button: 'Disconnect the camera',
      text: `The camera is disconnected; ${sent(viewers)}. It reconnects when someone watches it.`,
    };
  }
  return {
    name,
    button: 'End the stream',
    text: `The sender is notified that the stream was ended here and does not reconnect by itself; ${sent(viewers)}. The sender may start it again.`,
  };
}

function sent(viewers: number): string {
  if (viewers === 0) return 'no one is watching';
  return `${count(viewers, 'viewer')} ${viewers === 1 ? 'is' : 'are'} notified`;
}
