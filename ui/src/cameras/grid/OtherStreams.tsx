import type { Stream } from 'sightwire/api';
import { formatRate } from '../../components/format';
import { StateBadge } from '../../components/StateBadge';
import { streamWords, UNANSWERED } from '../state/streamWords';
import css from './OtherStreams.module.css';

/** Streams that clients asked for by address. They take places, so they are shown. */
export function OtherStreams({ streams, stale }: { streams: readonly Stream[]; stale: boolean }) {
  if (streams.length === 0) return null;
  return (
    <section className={`card ${css.others}`} aria-labelledby="others">
      <h2 id="others" className={css.title}>
        Opened by address
      </h2>
      <p className={css.text}>
        Clients requested these cameras by address. Each uses a camera connection while it is
        watched.
      </p>
      <ul className={css.list}>
        {streams.map((stream) => {
          const words = stale ? UNANSWERED : streamWords(stream);
          const viewers = stream.viewers === 1 ? '1 viewer' : `${stream.viewers} viewers`;
          return (
            <li key={stream.id} className={css.row}>
              <StateBadge tone={words.tone} icon={words.icon} word={words.word} />
              <code className={css.url}>{stream.url}</code>
              <span className="number">
                {formatRate(stream.fps)} fps · {viewers}
              </span>
              {words.text !== null && <span className={css.why}>{words.text}</span>}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
