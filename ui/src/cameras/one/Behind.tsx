import type { Analysis, Quantiles, Stream } from 'sightwire/api';
import { useMay } from '../../api/session';
import { DelayBar } from '../../components/DelayBar';
import { formatDuration, formatMs, formatRate } from '../../components/format';
import table from '../../components/Table.module.css';
import { counters, lossWords, qualityWords, whatWords } from './counters';
import css from './Behind.module.css';

/** Where the time goes, from the arrival of a picture on. */
export function Delays({ stream, analysis }: { stream: Stream | null; analysis: Analysis | null }) {
  const stages: [string, Quantiles | null][] = [
    ['Decoded', analysis?.delay_ms.decoded ?? null],
    ['Objects detected', analysis?.delay_ms.inferred ?? null],
    ['Drawn and encoded', analysis?.delay_ms.encoded ?? null],
    ['Delivered to the viewer', stream?.delay_ms ?? null],
  ];
  const most = Math.max(1, ...stages.map(([, delay]) => delay?.p95 ?? 0));
  return (
    <section className={`card ${css.card}`} aria-labelledby="delays">
      <h2 id="delays" className={css.title}>
        Latency by stage, since arrival
      </h2>
      <table className={table.table}>
        <thead>
          <tr>
            <th scope="col">stage</th>
            <th scope="col">p50</th>
            <th scope="col">p95</th>
            <th aria-hidden="true" />
          </tr>
        </thead>
        <tbody>
          {stages.map(([name, delay]) => (
            <tr key={name}>
              <th scope="row" className={css.stage}>
                {name}
              </th>
              <td className="number">{formatMs(delay?.p50 ?? null)} ms</td>
              <td className="number">{formatMs(delay?.p95 ?? null)} ms</td>
              <DelayBar delay={delay} most={most} className={css.bar} />
            </tr>
          ))}
        </tbody>
      </table>
      <p className={css.soft}>
        {analysis === null
          ? 'This view needs no analysis.'
          : `${formatRate(analysis.analysed_per_s)} of ${formatRate(analysis.frames_per_s)} frames per second are analysed, once for all viewers.`}
      </p>
    </section>
  );
}

/** What came from the camera. */
export function Counters({ stream }: { stream: Stream | null }) {
  return (
    <section className={`card ${css.card}`} aria-labelledby="counters">
      <h2 id="counters" className={css.title}>
        From the camera
      </h2>
      {stream === null ? (
        <p className={css.soft}>Not connected.</p>
      ) : (
        <dl className={css.facts} data-testid="counters">
          {counters(stream).map(({ name, value, note }) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd className="number">{value}</dd>
              {note !== null && <dd className={css.note}>{note}</dd>}
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}

/** Viewers, and what each of them loses. */
export function Viewers({ stream }: { stream: Stream | null }) {
  const mayKnow = useMay('operator');
  const viewers = stream?.viewer_list ?? [];
  return (
    <section className={`card ${css.card}`} aria-labelledby="watching">
      <h2 id="watching" className={css.title}>
        Viewers
      </h2>
      {viewers.length === 0 ? (
        <p className={css.soft}>
          {mayKnow ? 'None.' : `${stream?.viewers ?? 0} now. Who watches takes an operator to see.`}
        </p>
      ) : (
        <div className={css.scroll} tabIndex={0} role="group" aria-label="Viewers">
          <table className={table.table} data-testid="viewer-list">
            <thead>
              <tr>
                <th scope="col">from</th>
                <th scope="col">requested</th>
                <th scope="col">connected for</th>
                <th scope="col">received</th>
                <th scope="col">lost</th>
                <th scope="col">quality</th>
              </tr>
            </thead>
            <tbody>
              {viewers.map((viewer) => (
                <tr key={viewer.id}>
                  <th scope="row" className="number">
                    {viewer.peer}
                  </th>
                  <td>{whatWords(viewer)}</td>
                  <td className="number">{formatDuration(viewer.since_s)}</td>
                  <td className="number">{viewer.delivered.toLocaleString('en')}</td>
                  <td className="number" data-loss={viewer.lost_percent > 0 || undefined}>
                    {lossWords(viewer.lost_percent)}
                  </td>
                  <td className="number">{qualityWords(viewer.quality)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p className={css.soft}>
        Slow viewers lose frames, always the older ones; other viewers are not affected.
      </p>
    </section>
  );
}
