import type { ViewerKind } from 'sightwire/api';
import type { LiveStream, LiveViewer } from '../api/live';
import { sentenceOf, type StreamWords, streamWords } from '../cameras/state/streamWords';
import type { IconName } from '../components/Icon';
import type { Tone } from '../components/StateBadge';

export type Words = Pick<StreamWords, 'tone' | 'icon' | 'word' | 'text'>;

/** A viewer that loses less keeps up: a picture now and then is nothing to speak of. */
const LOSES_PERCENT = 1;
const GETS_NOTHING_PERCENT = 90;
/** Usual for pictures that the server draws on; lower ones are for those who lose too many. */
const USUAL_QUALITY = 85;
/** So many names fit into a row. */
const NAMED = 3;

/** What a stream is doing. */
export function wordsOfStream(stream: LiveStream): Words {
  const words = streamWords(stream);
  if (stream.kind === 'camera') return words;
  const { reason } = stream;
  if (stream.state === 'starting') {
    return {
      tone: 'busy',
      icon: 'clock',
      word: 'waiting',
      text: sentenceOf(reason ?? 'no frame has arrived yet'),
    };
  }
  if (stream.state === 'frozen') {
    return { ...words, text: sentenceOf(reason ?? 'it keeps sending the same frame') };
  }
  return words;
}

/** How a viewer gets on. */
export function wordsOfViewer(viewer: LiveViewer): Words {
  const { lost_percent: lost, quality, fps } = viewer;
  if (lost >= GETS_NOTHING_PERCENT) {
    return trouble(
      'bad',
      'alert',
      'receives nothing',
      'It receives almost none of the frames sent to it.',
    );
  }
  if (lost >= LOSES_PERCENT) {
    const text = 'It is too slow to receive every frame, and gets the newest one each time.';
    return trouble('warn', 'slow', 'loses frames', text);
  }
  if (typeof quality === 'number' && quality < USUAL_QUALITY) {
    const text = 'It lost too many frames, and keeps up with smaller ones.';
    return trouble('warn', 'slow', 'smaller frames', text);
  }
  if (fps === 0) {
    const text = 'The streams it watches have sent no new frames recently.';
    return { tone: 'off', icon: 'pause', word: 'no new frames', text };
  }
  return { tone: 'ok', icon: 'check', word: 'keeps up', text: null };
}

/** Whether somebody should look after it. */
export function needsCare({ tone }: Words): boolean {
  return tone === 'warn' || tone === 'bad';
}

/** What a stream is, in a few words under its name. */
export function kindOfStream({ kind, mode, protocol, peer, process }: LiveStream): string {
  if (kind === 'camera') {
    return process == null ? 'camera' : `camera · read by process ${process}`;
  }
  const sent = protocol === 'text' ? ['as text'] : [];
  const from = peer === undefined ? [] : [`from ${peer}`];
  const at = process == null ? [] : [`on process ${process}`];
  return ['relay', ...(mode === undefined ? [] : [mode]), ...at, ...sent, ...from].join(' · ');
}

const VIEWER_KINDS: Partial<Record<string, string>> & Record<ViewerKind, string> = {
  mjpeg: 'MJPEG',
  events: 'results as events',
  websocket: 'results over WebSocket',
  relay: 'WebSocket, as text',
  relay_binary: 'WebSocket',
  process: 'another process, for its viewers',
};

/** A newer server may have kinds that this page does not know. */
export function kindOfViewer(kind: string): string {
  return VIEWER_KINDS[kind] ?? kind;
}

export function qualityOf(quality: LiveViewer['quality']): string {
  if (quality === 'original') return 'original';
  return `JPEG ${quality}`;
}

/** What a viewer watches, in the room that a row has. */
export function watched(streams: readonly string[], didBefore = false): string {
  if (streams.length === 0) return didBefore ? 'nothing any more' : 'nothing yet';
  const named = streams.slice(0, NAMED).join(', ');
  const more = streams.length - NAMED;
  return more > 0 ? `${named} and ${more} more` : named;
}

/** How many there are, in words: `1 viewer`, `2 viewers`. */
export function count(number: number, what: string, several = `${what}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? what : several}`;
}

function trouble(tone: Tone, icon: IconName, word: string, text: string): Words {
  return { tone, icon, word, text };
}
