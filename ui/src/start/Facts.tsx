import type { ReactNode } from 'react';
import type { RecognizerStatus, Status } from 'sightwire/api';
import { formatBytes, formatDuration, spell } from '../components/format';
import css from './Facts.module.css';

/** System: model, engine, process. */
export function Facts({ status }: { status: Status | null }) {
  const engine = status?.engine;
  const runtime = engine?.runtime_version;
  return (
    <section className={`card ${css.facts}`} aria-labelledby="facts">
      <h2 id="facts" className={css.title}>
        System
      </h2>
      <dl className={css.list}>
        <Fact name="Model">{status === null ? null : model(status.recognizer)}</Fact>
        <Fact name="Detector">{status === null ? null : detector(status.detector)}</Fact>
        <Fact name="Reader">{status === null ? null : detector(status.reader)}</Fact>
        <Fact name="Provider">
          {engine === undefined ? null : provider(engine.provider, engine.requested)}
        </Fact>
        <Fact name="Precision">
          {engine === undefined ? null : precision(engine.precision, engine.threads)}
        </Fact>
        <Fact name="ONNX Runtime">{runtime ?? (status === null ? null : 'not loaded')}</Fact>
        <Fact name="JPEG library">{engine?.jpeg ?? null}</Fact>
        <Fact name="Sightwire">
          {status === null ? null : `${status.version}, up ${formatDuration(status.uptime_s)}`}
        </Fact>
        <Fact name="Camera connections">
          {status === null
            ? null
            : `${status.cameras.upstreams} of ${status.cameras.max_upstreams}, ${status.cameras.viewers} ${status.cameras.viewers === 1 ? 'viewer' : 'viewers'}`}
        </Fact>
        <Fact name="CPU, memory">
          {status === null
            ? null
            : `${status.process.cpu_percent.toFixed(0)} %, ${formatBytes(status.process.memory_bytes)}`}
        </Fact>
      </dl>
    </section>
  );
}

function model({ model, labels, window }: RecognizerStatus): string {
  return window === null
    ? model
    : `${model}, ${labels.length} classes, ${window} ${window === 1 ? 'frame' : 'frames'}`;
}

function detector({ model, state }: { model: string; state: string }): string {
  if (state === 'idle') return `${model}, not loaded`;
  if (state === 'ready') return model;
  return `${model}, ${state === 'fetching' ? 'downloading' : state}`;
}

function precision(used: string | null, threads: number | null): string {
  if (used === null || threads === null) return 'none yet';
  return `${spell(used)}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}

function provider(used: string | null, requested: string): string {
  if (used === null) return 'none yet';
  return requested === 'auto' || requested === used
    ? spell(used)
    : `${spell(used)} (${spell(requested)} requested)`;
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={css.fact}>
      <dt>{name}</dt>
      <dd className="number">{children ?? '–'}</dd>
    </div>
  );
}
