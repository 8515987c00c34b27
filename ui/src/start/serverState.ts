import type { Status } from 'sightwire/api';
import type { IconName } from '../components/Icon';
import type { Tone } from '../components/StateBadge';

export interface ServerState {
  tone: Tone;
  icon: IconName;
  /** One or two words, for a badge. */
  word: string;
  /** The same as a headline. */
  title: string;
  /** What it means and what to do, where there is something to say. */
  text: string | null;
  cause: string | null;
  /** The command that puts it right, where there is one. */
  command: string | null;
}

type Words = Omit<ServerState, 'command'> & { command?: string | null };

/** What the server's newest answer, or its silence, means for a person. */
export function serverState(status: Status | null, failure: string | null): ServerState {
  return { command: null, ...words(status, failure) };
}

function words(status: Status | null, failure: string | null): Words {
  if (failure !== null) {
    return {
      tone: 'bad',
      icon: 'plug',
      word: 'no answer',
      title: 'The server does not answer',
      text: 'It was stopped, or the network is down. This page keeps asking.',
      cause: failure,
    };
  }
  if (status === null) {
    return {
      tone: 'busy',
      icon: 'clock',
      word: 'asking',
      title: 'Asking the server…',
      text: null,
      cause: null,
    };
  }
  const { recognizer } = status;
  switch (recognizer.state) {
    case 'loading':
      return {
        tone: 'busy',
        icon: 'clock',
        word: 'loading',
        title: 'The model is loading',
        text:
          recognizer.loading?.text ??
          'Frames are answered already; results begin when it is ready.',
        cause: null,
      };
    case 'failed':
      return {
        tone: 'bad',
        icon: 'alert',
        word: 'model failed',
        title: `The model “${recognizer.model}” could not be loaded`,
        text:
          recognizer.cure === null
            ? 'The server runs on without results. Once what the details name is put right, start it again.'
            : 'The server runs on without results. Run this command on its machine, then start it again:',
        cause: recognizer.error ?? 'no cause was given',
        command: recognizer.cure,
      };
    case 'dummy':
      return {
        tone: 'warn',
        icon: 'alert',
        word: 'dummy',
        title: 'No model, only fixed answers',
        text: 'The server was started with USE_DUMMY_MODEL=1, which is for testing the wiring.',
        cause: null,
      };
    case 'ready':
      break;
  }
  if (recognizer.clients >= recognizer.max_clients) {
    return {
      tone: 'warn',
      icon: 'full',
      word: 'full',
      title: 'All places are taken',
      text: `All ${recognizer.max_clients} places are in use; new clients are asked to come again later.`,
      cause: null,
    };
  }
  if (recognizer.overloaded) {
    return {
      tone: 'warn',
      icon: 'alert',
      word: 'overloaded',
      title: 'More frames than this machine can analyse',
      text: 'Every frame is still answered at once, but fewer of them are analysed, evenly for all clients.',
      cause: null,
    };
  }
  return {
    tone: 'ok',
    icon: 'check',
    word: 'ready',
    title: 'Ready to recognise',
    text: null,
    cause: null,
  };
}
