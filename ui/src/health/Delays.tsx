import type { Quantiles } from 'sightwire/api';
import type { LiveStream } from '../api/live';
import { DelayBar } from '../components/DelayBar';
import { formatMs, formatRate, UNKNOWN } from '../components/format';
import { Sparkline } from '../components/Sparkline';
import table from '../components/Table.module.css';
import { COURSE_LENGTH, type Stage, type StreamCourse, type Values } from '../api/courses';
import css from './Delays.module.css';

interface Row {
  key: string;
  name: string;
  delay: Quantiles | null;
  values: Values;
}

/** Where the time goes: how long after its capture a picture has got how far. */
export function Delays({ stream, course }: { stream: LiveStream; course: StreamCourse }) {
  const { analyses } = stream;
  const stages = stagesOf(stream, course);
  const most = Math.max(1, ...stages.map(({ delay }) => delay?.p95 ?? 0));
  return (
    <div className={css.delays}>
      <table className={`${table.table} ${css.table}`}>
        <caption className={css.caption}>Latency by stage, since arrival</caption>
        <thead>
          <tr>
            <th scope="col">stage</th>
            <th scope="col">p50</th>
            <th scope="col">p95</th>
            <th aria-hidden="true" />
            <th aria-hidden="true" />
          </tr>
        </thead>
        <tbody>
          {stages.map(({ key, name, delay, values }) => (
            <tr key={key}>
              <th scope="row">{name}</th>
              <td className="number">{milliseconds(delay?.p50)}</td>
              <td className="number">{milliseconds(delay?.p95)}</td>
              <DelayBar delay={delay} most={most} className={css.bar} />
              <td className={css.course} aria-hidden="true">
                <Sparkline values={values} length={COURSE_LENGTH} atLeast={5} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className={css.soft}>
        {analyses.length === 0
          ? 'No analysis: frames are passed on as they arrive.'
          : analyses
              .map(
                ({ model, analysed_per_s, frames_per_s }) =>
                  `“${model}” analyses ${formatRate(analysed_per_s)} of ${formatRate(frames_per_s)} frames per second`,
              )
              .join('; ')
              .concat('. Viewers without detection do not wait for it.')}
      </p>
    </div>
  );
}

function stagesOf({ analyses, delay_ms }: LiveStream, course: StreamCourse): Row[] {
  const several = analyses.length > 1;
  const analysed = analyses.flatMap(({ model, fps, delay_ms: delay }, n) => {
    const of = several ? `, ${model} at ${fps}` : '';
    const stage = (name: string, is: Stage): Row => ({
      key: `${n}-${is}`,
      name: name + of,
      delay: delay[is] ?? null,
      values: course[`${n}-${is}`] ?? [],
    });
    return [
      stage('Decoded', 'decoded'),
      stage('Objects detected', 'inferred'),
      stage('Drawn and encoded', 'encoded'),
    ];
  });
  const captured = { p50: 0, p95: 0, p99: 0 };
  return [
    { key: 'captured', name: 'Captured', delay: captured, values: [] },
    ...analysed,
    {
      key: 'delivered',
      name: 'Delivered',
      delay: delay_ms ?? null,
      values: course.delivered ?? [],
    },
  ];
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? UNKNOWN : `${formatMs(value)} ms`;
}
