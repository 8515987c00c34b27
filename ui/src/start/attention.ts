import type { Camera, Status, Stream } from 'sightwire/api';
import { isInTrouble, sentenceOf, streamWords } from '../cameras/state/streamWords';
import type { IconName } from '../components/Icon';

/** Something that somebody should look at, and where. */
export interface Item {
  key: string;
  tone: 'bad' | 'warn';
  icon: IconName;
  title: string;
  text: string | null;
  href: string;
}

interface Known {
  status: Status | null;
  cameras: readonly Camera[];
  /** Those that are sent. */
  streams: readonly Stream[];
}

/** What needs attention now, the gravest first. */
export function attention({ status, cameras, streams }: Known): Item[] {
  const items = [
    ...(status === null ? [] : ofServer(status)),
    ...cameras.flatMap(({ id, name, stream }) =>
      stream !== null && isInTrouble(stream) ? [ofStream(stream, name, `/cameras/${id}`)] : [],
    ),
    ...streams
      .filter(isInTrouble)
      .map((stream) => ofStream(stream, stream.name, `/wall?one=${encodeURIComponent(stream.id)}`)),
  ];
  return items.toSorted((a, b) => Number(b.tone === 'bad') - Number(a.tone === 'bad'));
}

function ofServer({ engine, recognizer, detector, reader }: Status): Item[] {
  const items: Item[] = [];
  const add = (key: string, tone: Item['tone'], title: string, text: string, href: string) =>
    items.push({ key, tone, icon: 'alert', title, text: sentenceOf(text), href });
  if (engine.note !== null) {
    add('engine', 'warn', 'The requested engine is not in use', engine.note, '/health');
  }
  for (const [n, warning] of engine.warnings.entries()) {
    add(`engine-${n}`, 'warn', 'The engine needs attention', warning, '/health');
  }
  if (recognizer.warning !== null) {
    add('recognizer', 'warn', 'The recogniser needs attention', recognizer.warning, '/recognise');
  }
  if (detector.state === 'failed') {
    const why = detector.note ?? 'Its model cannot be used';
    add('detector', 'bad', 'Object detection does not work', why, '/cameras');
  }
  if (reader.state === 'failed') {
    const why = reader.error ?? 'Its model cannot be used';
    add('reader', 'bad', 'Text reading does not work', why, '/read');
  }
  return items;
}

function ofStream(stream: Stream, name: string, href: string): Item {
  const { tone, icon, word, text } = streamWords(stream);
  const grave = tone === 'bad' ? 'bad' : 'warn';
  return { key: `stream-${stream.id}`, tone: grave, icon, title: `${name}: ${word}`, text, href };
}
