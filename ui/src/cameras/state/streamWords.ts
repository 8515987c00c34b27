import type { Camera, Slow, Stream } from 'sightwire/api';
import type { LiveStream } from '../../api/live';
import { formatDuration, formatPercent, formatRate } from '../../components/format';
import type { IconName } from '../../components/Icon';
import type { Tone } from '../../components/StateBadge';

/** The last request for a picture of a camera that brought none. */
export interface PictureFailure {
  /** The HTTP status; null where there was no answer. */
  status: number | null;
  /** A sentence for a person. */
  detail: string;
}

/** What a camera is doing, in words. */
export interface StreamWords {
  tone: Tone;
  icon: IconName;
  /** One to three words, for a badge. */
  word: string;
  /** Why, and what to do; null where nothing needs to be said. */
  text: string | null;
  /** The picture shows what is before the camera now. */
  live: boolean;
  /** What stands on a picture that is not live; null on one that is, and where there is none. */
  banner: string | null;
}

const FULL = 503;
/** A picture that is damaged now and then is nothing to speak of. */
const MANY_BROKEN = 0.02;

/**
 * A camera whose picture the page wants, or does not; `failure` is what came instead of the picture.
 */
export function cameraWords(
  { stream }: Pick<Camera, 'stream'>,
  failure: PictureFailure | null,
  { wanted = true, broken = 0 } = {},
): StreamWords {
  if (stream !== null) return streamWords(stream, broken);
  if (failure === null) return wanted ? CONNECTING : NOT_OPEN;
  if (failure.status === FULL) {
    const text = `${sentenceOf(failure.detail)} It connects as soon as another camera disconnects.`;
    return { ...NOTHING, tone: 'warn', icon: 'full', word: 'waiting', text };
  }
  return {
    ...NOTHING,
    tone: 'bad',
    icon: 'alert',
    word: 'error',
    text: sentenceOf(failure.detail),
  };
}

/** What is said while the server does not answer: nobody knows what is so now. */
export const UNANSWERED: StreamWords = {
  tone: 'bad',
  icon: 'plug',
  word: 'no response',
  text: null,
  live: false,
  banner: null,
};

/** A stream that is open; `broken`: the share of pictures that arrived broken lately. */
export function streamWords(stream: Stream | LiveStream, broken = 0): StreamWords {
  const { reason = null, since_s } = stream;
  switch (stream.state) {
    case 'running':
      if (broken >= MANY_BROKEN) return damaged(broken);
      return stream.slow == null ? LIVE : slow(stream.slow);
    case 'starting':
      if (reason === null) return CONNECTING;
      return { ...NOTHING, tone: 'bad', icon: 'alert', word: 'error', text: sentenceOf(reason) };
    case 'stalled': {
      const age = formatDuration(stream.last_picture_age_s ?? since_s);
      return {
        tone: 'warn',
        icon: 'pause',
        word: `stalled ${age}`,
        text: sentenceOf(reason ?? 'No new frames are arriving.'),
        live: false,
        banner: `This frame is ${age} old`,
      };
    }
    case 'frozen': {
      const age = formatDuration(since_s);
      return {
        tone: 'warn',
        icon: 'frozen',
        word: `frozen ${age}`,
        text: 'The camera has frozen: it keeps sending the same frame. Switch it off and on.',
        live: false,
        banner: `The same frame for ${age}`,
      };
    }
    case 'ended': {
      const text = sentenceOf(reason ?? 'No more frames will arrive.');
      return {
        ...{ tone: 'off', icon: 'stop', word: 'ended', text, live: false },
        banner: 'The last frame',
      };
    }
  }
}

/** How an open stream is counted in a summary. */
export function isLive(stream: Stream | null): boolean {
  return stream?.state === 'running';
}

/** An open stream that somebody should look after. */
export function isInTrouble(stream: Stream | null): boolean {
  if (stream === null) return false;
  const { tone } = streamWords(stream);
  return tone === 'bad' || tone === 'warn';
}

const NOTHING = { live: false, banner: null };

const LIVE: StreamWords = {
  tone: 'ok',
  icon: 'live',
  word: 'live',
  text: null,
  live: true,
  banner: null,
};

const CONNECTING: StreamWords = {
  ...NOTHING,
  tone: 'busy',
  icon: 'clock',
  word: 'connecting',
  text: null,
};

/** Nobody watches it, so it is left alone. */
const NOT_OPEN: StreamWords = {
  ...NOTHING,
  tone: 'off',
  icon: 'stop',
  word: 'idle',
  text: null,
};

function damaged(broken: number): StreamWords {
  const share = formatPercent(broken);
  const text = `${share} % of its frames arrive damaged and are discarded. Its network or its power supply may be weak.`;
  return { ...LIVE, tone: 'warn', icon: 'alert', word: 'damaged frames', text };
}

function slow({ fps, usual_fps }: Slow): StreamWords {
  const rates = `${formatRate(fps)} fps instead of the usual ${formatRate(usual_fps)}`;
  const text = `${rates}. Its network may be weak, or other programs read it directly.`;
  return { ...LIVE, tone: 'warn', icon: 'slow', word: 'slow', text };
}

/**
 * A sentence from its beginning to its full stop; one that begins with an address does so. The
 * number that a system gives an error is not for people.
 */
export function sentenceOf(text: string): string {
  const plain = text.replaceAll(/ \(os error \d+\)/g, '');
  const begun = /^\w+:\/\//.test(plain) ? plain : capital(plain);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** As much of a text as a small tile has room for: why, without the address and without what to do about it. */
export function shortCause(text: string): string {
  const end = text.search(/[.!?] (?=\p{Lu})/u);
  const first = end < 0 ? text : text.slice(0, end + 1);
  return sentenceOf(first.replace(/^[a-z]+:\/\/\S+ (?=\p{Ll})/u, ''));
}
