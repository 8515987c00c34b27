import type { ReactNode } from 'react';
import type { Status } from '../api/types';
import { formatBytes, formatDuration, spell } from '../components/format';
import css from './Facts.module.css';

/** What runs: model, engine, process. */
export function Facts({ status }: { status: Status | null }) {
  const engine = status?.engine;
  const runtime = engine?.runtime_version;
  return (
    <section className={`card ${css.facts}`} aria-labelledby="facts">
      <h2 id="facts" className={css.title}>
        What runs
      </h2>
      <dl className={css.list}>
        <Fact name="Model">
          {status === null
            ? null
            : `${status.recognizer.model}, ${status.recognizer.labels.length} classes, ${status.recognizer.window} frames`}
        </Fact>
        <Fact name="Provider">
          {engine === undefined ? null : provider(engine.provider, engine.requested)}
        </Fact>
        <Fact name="Precision">
          {engine === undefined
            ? null
            : `${spell(engine.precision)}, ${engine.threads} ${engine.threads === 1 ? 'thread' : 'threads'}`}
        </Fact>
        <Fact name="ONNX Runtime">{runtime ?? (status === null ? null : 'not loaded')}</Fact>
        <Fact name="JPEG library">{engine?.jpeg ?? null}</Fact>
        <Fact name="Sightwire">
          {status === null ? null : `${status.version}, up ${formatDuration(status.uptime_s)}`}
        </Fact>
        <Fact name="CPU, memory">
          {status === null
            ? null
            : `${status.process.cpu_percent?.toFixed(0) ?? '–'} %, ${formatBytes(status.process.memory_bytes)}`}
        </Fact>
      </dl>
    </section>
  );
}

function provider(used: string, requested: string): string {
  return requested === 'auto' || requested === used
    ? spell(used)
    : `${spell(used)} (${spell(requested)} was asked for)`;
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={css.fact}>
      <dt>{name}</dt>
      <dd className="number">{children ?? '–'}</dd>
    </div>
  );
}
