import type { Status } from 'sightwire/api';
import type { IconName } from '../components/Icon';
import type { Tone } from '../components/StateBadge';

export interface ServerState {
  tone: Exclude<Tone, 'off'>;
  icon: IconName;
  /** One or two words, for a badge. */
  word: string;
  /** Which part of the server it is about; null: all of it. */
  part: string | null;
  /** The page that shows more of it. */
  href: string;
  /** The same as a headline. */
  title: string;
  /** What it means and what to do, where there is something to say. */
  text: string | null;
  cause: string | null;
  /** The command that puts it right, where there is one. */
  command: string | null;
}

type Words = Omit<ServerState, 'command' | 'part' | 'href'> & Partial<ServerState>;

const RECOGNISER = { part: 'Recogniser', href: '/recognise' } as const;

/** What the server's newest answer, or its silence, means for a person. */
export function serverState(status: Status | null, failure: string | null): ServerState {
  return { command: null, part: null, href: '/health', ...words(status, failure) };
}

function words(status: Status | null, failure: string | null): Words {
  if (failure !== null) {
    return {
      tone: 'bad',
      icon: 'plug',
      word: 'no response',
      title: 'The server is not responding',
      text: 'It was stopped, or the network is down. Retrying automatically.',
      cause: failure,
    };
  }
  if (status === null) {
    return {
      tone: 'busy',
      icon: 'clock',
      word: 'connecting',
      title: 'Connecting to the server…',
      text: null,
      cause: null,
    };
  }
  const { recognizer } = status;
  switch (recognizer.state) {
    case 'loading':
      return {
        ...RECOGNISER,
        tone: 'busy',
        icon: 'clock',
        word: 'loading',
        title: 'The model is loading',
        text:
          recognizer.loading?.text ??
          'Frames are already answered; results start when the model is ready.',
        cause: null,
      };
    case 'failed':
      return {
        ...RECOGNISER,
        tone: 'bad',
        icon: 'alert',
        word: 'model failed',
        title: `The model “${recognizer.model}” could not be loaded`,
        text:
          recognizer.cure === null
            ? 'The server keeps running without results. Fix the cause under Details, then restart it.'
            : 'The server keeps running without results. Run this command on its machine, then restart it:',
        cause: recognizer.error ?? 'no cause given',
        command: recognizer.cure,
      };
    case 'dummy':
      return {
        ...RECOGNISER,
        tone: 'warn',
        icon: 'alert',
        word: 'dummy',
        title: 'No model: fixed answers only',
        text: 'The server was started with USE_DUMMY_MODEL=1, which is only for testing connections.',
        cause: null,
      };
    case 'ready':
      break;
  }
  if (recognizer.clients >= recognizer.max_clients) {
    return {
      ...RECOGNISER,
      tone: 'warn',
      icon: 'full',
      word: 'full',
      title: 'The server is full',
      text: `It has its maximum of ${recognizer.max_clients} clients; new ones are asked to try again later.`,
      cause: null,
    };
  }
  if (recognizer.overloaded) {
    return {
      ...RECOGNISER,
      tone: 'warn',
      icon: 'alert',
      word: 'overloaded',
      title: 'More frames than this machine can analyse',
      text: 'Every frame is still answered immediately, but fewer are analysed, shared evenly between clients.',
      cause: null,
    };
  }
  const other = [
    { part: 'Detection', href: '/cameras', ...status.detector, error: status.detector.note },
    { part: 'Text reading', href: '/read', ...status.reader },
  ].find(({ state }) => state === 'failed');
  if (other !== undefined) {
    return {
      part: other.part,
      href: other.href,
      tone: 'warn',
      icon: 'alert',
      word: 'failed',
      title: `${other.part} does not work`,
      text: 'Everything else runs. The cause is under Details.',
      cause: other.error ?? 'no cause given',
    };
  }
  return {
    tone: 'ok',
    icon: 'check',
    word: 'ready',
    title: 'Ready',
    text: null,
    cause: null,
  };
}
