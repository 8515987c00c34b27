import { Button, VisuallyHidden } from '@mantine/core';
import type { ClusterProcess, ClusterStatus } from 'sightwire/api';
import { formatCount } from '../components/format';
import { Icon } from '../components/Icon';
import { StateBadge } from '../components/StateBadge';
import { flow, heard, wordsOfCluster, wordsOfProcess } from './processWords';
import { count } from './words';
import css from './ProcessesCard.module.css';

interface Props {
  cluster: ClusterStatus;
  /** Null for who may not. */
  onDrain: ((process: ClusterProcess) => void) | null;
}

// The roles are said where a table is none to look at, on a phone: browsers then forget them.
/** The processes that act as one, over Redis; whether this one is among them, and what is wrong where it is not. */
export function ProcessesCard({ cluster, onDrain }: Props) {
  const { tone, icon, word, text } = wordsOfCluster(cluster);
  const { processes, redis } = cluster;
  return (
    <section
      className={`card ${css.card}`}
      aria-labelledby="processes"
      data-testid="processes"
      data-problem={text !== null || undefined}
    >
      <header className={css.head}>
        <div className={css.words}>
          <h2 id="processes" className={css.title}>
            Processes
          </h2>
          <p className={css.about}>
            {count(processes.length, 'process', 'processes')} over Redis
            {redis !== null && ` at ${redis}`}
          </p>
        </div>
        <StateBadge tone={tone} icon={icon} word={word} data-testid="cluster-state" />
      </header>
      <p className={`number ${css.flow}`} data-testid="processes-flow">
        {flow(cluster)}
      </p>
      <div role="status">
        {text !== null && (
          <p className={css.problem} data-tone={tone} data-testid="cluster-problem">
            <Icon name={icon} />
            <span>{text}</span>
          </p>
        )}
      </div>
      <table role="table" className={css.table} aria-labelledby="processes">
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader" scope="col">
              State
            </th>
            <th role="columnheader" scope="col">
              Process
            </th>
            <th
              role="columnheader"
              scope="col"
              className={css.number}
              title="Streams that are sent to it."
            >
              Streams
            </th>
            <th
              role="columnheader"
              scope="col"
              className={css.number}
              title="Its last sign of life, by the clock of Redis."
            >
              Heard
            </th>
            <th
              role="columnheader"
              scope="col"
              className={css.number}
              title="Cameras that it reads, for all processes."
            >
              Cameras
            </th>
            <th role="columnheader" scope="col" className={css.number}>
              Version
            </th>
            {onDrain !== null && (
              <th role="columnheader" scope="col" className={css.action}>
                <VisuallyHidden>Drain</VisuallyHidden>
              </th>
            )}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {processes.map((process) => (
            <ProcessRow
              key={`${process.name} ${process.is_self}`}
              process={process}
              cluster={cluster}
              onDrain={onDrain}
            />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function ProcessRow({ process, cluster, onDrain }: Props & { process: ClusterProcess }) {
  const { tone, icon, word, text } = wordsOfProcess(process, cluster);
  return (
    <tr role="row" data-testid={`process-${process.name}`} data-self={process.is_self || undefined}>
      <td role="cell" className={css.state}>
        <StateBadge tone={tone} icon={icon} word={word} />
      </td>
      <th role="rowheader" scope="row" className={css.process}>
        <span className={css.name}>
          {process.name}
          {process.is_self && <span className={css.self}>this one</span>}
        </span>
        <span className={css.url}>{process.url}</span>
        {text !== null && (
          <span className={css.wrong} data-tone={tone}>
            {text}
          </span>
        )}
      </th>
      <td role="cell" className={`number ${css.number}`} data-label="Streams">
        {formatCount(process.streams)}
      </td>
      <td role="cell" className={`number ${css.number}`} data-label="Heard">
        {heard(process.heard_s)}
      </td>
      <td role="cell" className={`number ${css.number}`} data-label="Cameras">
        {formatCount(process.cameras)}
      </td>
      <td role="cell" className={`number ${css.number}`} data-label="Version">
        {process.version}
      </td>
      {onDrain !== null && (
        <td role="cell" className={css.action}>
          {tone === 'ok' && (
            <Button
              variant="default"
              size="compact-sm"
              onClick={() => onDrain(process)}
              aria-label={`Drain ${process.name}`}
            >
              Drain
            </Button>
          )}
        </td>
      )}
    </tr>
  );
}
