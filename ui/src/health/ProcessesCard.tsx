import { Button, VisuallyHidden } from '@mantine/core';
import type { ClusterProcess, ClusterStatus } from 'sightwire/api';
import type { ReactNode } from 'react';
import { formatCount } from '../components/format';
import { Icon } from '../components/Icon';
import { StateBadge } from '../components/StateBadge';
import { Two } from './Cells';
import { flow, heard, wordsOfCapacity, wordsOfCluster, wordsOfProcess } from './processWords';
import { count } from './words';
import css from './ProcessesCard.module.css';

interface Props {
  cluster: ClusterStatus;
  /** Null for who may not. */
  onDrain: ((process: ClusterProcess) => void) | null;
}

type Cell = (process: ClusterProcess) => ReactNode;

/** What stands beside the name of a process, and what that is. */
const COLUMNS: readonly { name: string; explain: string; cell: Cell }[] = [
  {
    name: 'Streams',
    explain: 'Streams that are sent to it.',
    cell: ({ streams }) => formatCount(streams),
  },
  {
    name: 'Cameras',
    explain: 'Cameras that it reads, for all processes.',
    cell: ({ cameras }) => formatCount(cameras),
  },
  {
    name: 'Capacity',
    explain:
      'Frames per second that its models can analyse together, as measured. The more it is, the more cameras the process gets to read.',
    cell: (process) => <Capacity {...process} />,
  },
  {
    name: 'Heard',
    explain: 'Its last sign of life, by the clock of Redis.',
    cell: ({ heard_s }) => heard(heard_s),
  },
  {
    name: 'Version',
    explain: 'The version of Sightwire that it runs.',
    cell: ({ version }) => version,
  },
];

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
            {COLUMNS.map(({ name, explain }) => (
              <th key={name} role="columnheader" scope="col" className={css.number} title={explain}>
                {name}
              </th>
            ))}
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
      {COLUMNS.map(({ name, cell }) => (
        <td key={name} role="cell" className={`number ${css.number}`} data-label={name}>
          {cell(process)}
        </td>
      ))}
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

function Capacity({ capacity }: Pick<ClusterProcess, 'capacity'>) {
  const { text, below, why } = wordsOfCapacity(capacity);
  return why === null ? (
    text
  ) : (
    <span title={why}>
      <Two below={below}>{text}</Two>
    </span>
  );
}
