import { SegmentedControl } from '@mantine/core';
import { type KeyboardEvent, memo, type RefObject, useEffect, useRef } from 'react';
import type { JobFile } from 'sightwire/api';
import { picturePath } from '../../api/read';
import { formatCount, formatMs, UNKNOWN } from '../../components/format';
import { FindField } from '../../components/FindField';
import { Icon } from '../../components/Icon';
import { Name } from '../../components/Name';
import { StateBadge } from '../../components/StateBadge';
import { ToolButton } from '../../components/ToolButton';
import { useLatest } from '../latest';
import { asSentence, rowStanding } from '../words';
import { descends, nextSort, type RowSort, type RowSortKey, type RowState } from './rows';
import { Thumbnail } from './Thumbnail';
import { useWindow } from './useWindow';
import css from './FileTable.module.css';

interface Props {
  job: string;
  /** Those to list, in their order. */
  rows: readonly JobFile[];
  total: number;
  failed: number;
  current: number | null;
  onOpen: (index: number) => void;
  sort: RowSort;
  onSort: (sort: RowSort) => void;
  state: RowState;
  onState: (state: RowState) => void;
  find: string;
  onFind: (text: string) => void;
  field: RefObject<HTMLInputElement | null>;
}

const ROW_PX = 52;
const HEAD_PX = 36;
const PAGE = 8;
/** Rows that leave the sight become those that come into it: nothing is made anew. */
const SLOTS = 128;

const COLUMNS: readonly { key: RowSortKey; name: string; number?: boolean }[] = [
  { key: 'index', name: 'No.', number: true },
  { key: 'name', name: 'Name' },
  { key: 'state', name: 'State' },
  { key: 'regions', name: 'Lines', number: true },
  { key: 'confidence', name: 'Confidence', number: true },
  { key: 'ms', name: 'ms', number: true },
];

/** All files of a job. However many there are, only those in sight are really there. */
export function FileTable({ field, ...props }: Props) {
  const { rows, total, failed, current, onOpen, sort, onSort } = props;
  const { find, onFind, state, onState } = props;
  const grid = useRef<HTMLDivElement>(null);
  const { window, show } = useWindow(grid, rows.length, ROW_PX, HEAD_PX);
  const at = rows.findIndex(({ index }) => index === current);
  // Only a change of the choice scrolls; rows that come or change places do not.
  const place = useLatest(at);
  useEffect(() => show(place()), [show, place, current]);

  const press = (event: KeyboardEvent) => {
    if (event.target !== grid.current || event.ctrlKey || event.metaKey || event.altKey) return;
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE, PageUp: -PAGE, Home: -1e9, End: 1e9 }[
      event.key
    ];
    if (by === undefined) return;
    event.preventDefault();
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + by))];
    if (next !== undefined) onOpen(next.index);
  };

  return (
    <section className={`card ${css.table}`} aria-label="Files" data-testid="files">
      <div className={css.tools} role="search">
        <h2 className={css.title}>Files</h2>
        <span className={`number ${css.count}`} data-testid="file-count">
          {rows.length === total
            ? formatCount(total)
            : `${formatCount(rows.length)} of ${formatCount(total)}`}
        </span>
        <FindField
          field={field}
          className={css.find}
          label="Find a file"
          placeholder="Find a name or an error"
          find={find}
          onFind={onFind}
          data-testid="find-file"
        />
        <SegmentedControl
          className={css.which ?? ''}
          aria-label="Filter"
          value={state}
          onChange={onState}
          data={[
            { value: 'all', label: 'All' },
            { value: 'done', label: 'Done' },
            { value: 'failed', label: failed === 0 ? 'Failed' : `Failed ${failed}` },
            { value: 'waiting', label: 'Waiting' },
          ]}
          data-testid="which-files"
        />
      </div>
      <div
        ref={grid}
        className={css.grid}
        role="grid"
        aria-label="Files of this batch"
        aria-rowcount={rows.length + 1}
        aria-activedescendant={
          at >= window.first && at < window.end ? `file-${current}` : undefined
        }
        tabIndex={0}
        onKeyDown={press}
        data-testid="grid"
      >
        <div className={css.head} role="row" aria-rowindex={1}>
          {COLUMNS.map(({ key, name, number }) => {
            const sorted = sort.by === key;
            const down = descends(sorted ? sort : { by: key, reversed: false });
            return (
              <div
                key={key}
                role="columnheader"
                className={css.cell}
                data-column={key}
                data-number={number}
                aria-sort={sorted ? (down ? 'descending' : 'ascending') : undefined}
              >
                <button
                  type="button"
                  className={css.sort}
                  onClick={() => onSort(nextSort(sort, key))}
                >
                  {name}
                  <span className={css.arrow} data-sorted={sorted || undefined}>
                    <Icon name={down ? 'down' : 'up'} size={14} />
                  </span>
                </button>
              </div>
            );
          })}
        </div>
        {rows.length === 0 ? (
          <NoRows total={total} onFind={onFind} onState={onState} />
        ) : (
          <div role="rowgroup" className={css.body} style={{ height: rows.length * ROW_PX }}>
            {rows.slice(window.first, window.end).map((row, n) => (
              <Row
                key={(window.first + n) % SLOTS}
                job={props.job}
                row={row}
                place={window.first + n}
                isCurrent={row.index === current}
                onOpen={onOpen}
              />
            ))}
          </div>
        )}
      </div>
    </section>
  );
}

function NoRows({ total, onFind, onState }: Pick<Props, 'total' | 'onFind' | 'onState'>) {
  return (
    <div role="rowgroup">
      <div role="row">
        <div role="gridcell" className={css.none}>
          {total === 0 ? 'Loading the list…' : 'No matching files.'}
          {total > 0 && (
            <ToolButton
              icon="undo"
              onClick={() => {
                onFind('');
                onState('all');
              }}
            >
              Show all
            </ToolButton>
          )}
        </div>
      </div>
    </div>
  );
}

interface RowProps {
  job: string;
  row: JobFile;
  place: number;
  isCurrent: boolean;
  onOpen: (index: number) => void;
}

const THUMBNAIL_SIDE = 96;

const Row = memo(function Row({ job, row, place, isCurrent, onOpen }: RowProps) {
  const { index, name, error, regions, confidence, ms } = row;
  const note = row.notes?.[0];
  const hasPicture = row.picture && row.state !== 'failed';
  return (
    <div
      id={`file-${index}`}
      className={css.row}
      role="row"
      aria-rowindex={place + 2}
      aria-selected={isCurrent}
      style={{ transform: `translateY(${place * ROW_PX}px)` }}
      onClick={() => onOpen(index)}
      data-testid={`file-${index}`}
      data-state={row.state}
    >
      <div role="gridcell" className={css.cell} data-column="index" data-number>
        <span className={`number ${css.soft}`}>{index + 1}</span>
      </div>
      <div role="gridcell" className={css.cell} data-column="name">
        <Thumbnail
          path={hasPicture ? picturePath(job, index, { side: THUMBNAIL_SIDE }) : null}
          wasThere={row.state === 'done' && !row.picture}
        />
        <span className={css.names}>
          <span className={css.name}>
            <Name>{name}</Name>
          </span>
          {error !== null && (
            <span className={css.error} title={error}>
              {asSentence(error)}
            </span>
          )}
          {error === null && note !== undefined && (
            <span className={css.note} title={row.notes?.join(' ')}>
              {note}
            </span>
          )}
        </span>
      </div>
      <div role="gridcell" className={css.cell} data-column="state">
        <StateBadge {...rowStanding(row)} />
      </div>
      <div role="gridcell" className={`number ${css.cell}`} data-column="regions" data-number>
        {row.state === 'done' && regions !== null ? formatCount(regions) : UNKNOWN}
      </div>
      <div role="gridcell" className={`number ${css.cell}`} data-column="confidence" data-number>
        {row.state === 'done' && confidence !== null
          ? `${(confidence * 100).toFixed(1)} %`
          : UNKNOWN}
      </div>
      <div role="gridcell" className={`number ${css.cell}`} data-column="ms" data-number>
        {row.state === 'done' ? formatMs(ms) : UNKNOWN}
      </div>
    </div>
  );
});
