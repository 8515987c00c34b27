import { Button } from '@mantine/core';
import { useState } from 'react';
import type { LiveData } from '../api/live';
import { isFound } from '../components/find';
import { formatCount, formatDuration } from '../components/format';
import { sentenceOf } from '../cameras/state/streamWords';
import { Name } from '../components/Name';
import css from './EndedStreams.module.css';
import { more } from './more';

interface Props {
  ended: LiveData['ended'];
  find: string;
  /** The server's clock, seconds since 1970. */
  nowS: number;
}

/** So many at first: other lists are below. */
const FIRST_ENDED = 20;

/** Streams that have ended in the last hour: who sent them, when, and why they are over. */
export function EndedStreams({ ended, find, nowS }: Props) {
  const [most, setMost] = useState(FIRST_ENDED);
  const all = Object.entries(ended)
    .filter(([, { id, peer = '', by = '' }]) => isFound(find, id, peer, by))
    .toSorted(([a], [b]) => Number(b) - Number(a));
  if (all.length === 0) return null;
  const next = more(most, all.length);
  return (
    <section className={`card ${css.ended}`} aria-labelledby="ended">
      <h2 id="ended" className={css.title}>
        Ended in the last hour
        <span className={`number ${css.count}`}>{formatCount(all.length)}</span>
      </h2>
      <ul className={css.list} data-testid="ended">
        {all.slice(0, most).map(([number, stream]) => (
          <li key={number} className={css.row}>
            <strong className={css.name}>
              <Name>{stream.id}</Name>
            </strong>
            <span className={`number ${css.when}`}>
              <time dateTime={new Date(stream.ended * 1000).toISOString()}>
                {new Date(stream.ended * 1000).toLocaleTimeString('en-GB')}
              </time>
              , {formatDuration(Math.max(0, nowS - stream.ended))} ago
            </span>
            <span className={css.why}>{sentenceOf(stream.reason)}</span>
            <span className={`number ${css.facts}`}>{facts(stream)}</span>
          </li>
        ))}
      </ul>
      {all.length > most && (
        <p className={css.more}>
          <Button variant="default" onClick={() => setMost(next.most)}>
            {next.words}
          </Button>
        </p>
      )}
    </section>
  );
}

function facts({ began, ended, pictures, peer, by }: LiveData['ended'][string]): string {
  const sender = [by, peer].filter((text) => text !== undefined).join(' at ');
  return [
    `ran ${formatDuration(Math.max(0, ended - began))}`,
    `${formatCount(pictures)} ${pictures === 1 ? 'frame' : 'frames'}`,
    ...(sender === '' ? [] : [`sent by ${sender}`]),
  ].join(' · ');
}
