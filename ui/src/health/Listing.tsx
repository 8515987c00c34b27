import { ActionIcon, Button, NativeSelect, Tooltip } from '@mantine/core';
import { type ReactNode, useCallback, useMemo, useState } from 'react';
import { formatCount } from '../components/format';
import { Icon } from '../components/Icon';
import { usePhone } from '../components/page/usePhone';
import { HeldOrder } from '../components/heldOrder';
import type { Column, Kind } from './kind';
import { FIRST, FIRST_ON_PHONE, more } from './more';
import { CardRow, TableRow } from './Row';
import { comparison, type Sort, type Sortable } from './rows';
import { nextSort } from './settings';
import css from './Listing.module.css';

interface Props<Row, Key extends string> {
  id: string;
  title: string;
  kind: Kind<Row, Key>;
  rows: readonly Row[];
  /** How many there are without filter. */
  total: number;
  /** When the rows are from. */
  atMs: number;
  sorts: Record<Key, Sortable<Row>>;
  sort: Sort<Key>;
  onSort: (sort: Sort<Key>) => void;
  cards: boolean;
  /** Why nothing can be ended from here; null where it can. */
  whyNot: string | null;
  /** Whether ending is offered at all. */
  offersEnd: boolean;
  onEnd: (key: string) => void;
  onFind: (text: string) => void;
  /** Instead of rows, where none are shown. */
  children: ReactNode;
}

/** Streams or viewers: a table, or cards where there is no room for one. */
export function Listing<Row, Key extends string>(props: Props<Row, Key>) {
  const { id, kind, rows, total, atMs, sorts, sort, cards, whyNot, offersEnd, onEnd, onFind } =
    props;
  const [order] = useState(() => new HeldOrder(kind.keyOf));
  const [hold, setHold] = useState(false);
  const phone = usePhone();
  const [chosen, setChosen] = useState(0);
  const most = Math.max(chosen, phone ? FIRST_ON_PHONE : FIRST);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const toggle = useCallback((key: string) => {
    setOpen((before) => {
      const after = new Set(before);
      if (!after.delete(key)) after.add(key);
      return after;
    });
  }, []);

  const arranged = useMemo(() => {
    const sortable = sorts[sort.by];
    const compare = comparison(sortable, sort.reversed, kind.nameOf);
    const steady = sortable.steady === true;
    return order.arrange(rows, JSON.stringify(sort), compare, { nowMs: atMs, hold, steady });
  }, [order, sorts, sort, kind, rows, atMs, hold]);
  const shown = arranged.slice(0, most);
  const hidden = arranged.length - shown.length;
  const next = more(shown.length, arranged.length);
  const row = (item: Row) => {
    const key = kind.keyOf(item);
    const common = { kind, whyNot, offersEnd, onToggle: toggle, onEnd, onFind };
    return { ...common, key, row: item, open: open.has(key) };
  };
  const holding = {
    onPointerEnter: () => setHold(true),
    onPointerLeave: () => setHold(false),
    onFocus: () => setHold(true),
    onBlur: () => setHold(false),
  };

  return (
    <section className={`card ${css.listing}`} aria-labelledby={id} data-testid={id}>
      <div className={css.head}>
        <h2 id={id} className={css.title}>
          {props.title}
        </h2>
        <span className={`number ${css.count}`} data-testid={`${id}-count`}>
          {rows.length === total
            ? formatCount(total)
            : `${formatCount(rows.length)} of ${formatCount(total)}`}
        </span>
        {cards && rows.length > 1 && <SortChoice {...props} />}
      </div>
      {rows.length === 0 && <div className={css.none}>{props.children}</div>}
      {rows.length > 0 && cards && (
        <ul className={css.cards} aria-labelledby={id} {...holding}>
          {shown.map((item) => {
            const { key, ...rest } = row(item);
            return <CardRow key={key} {...rest} />;
          })}
        </ul>
      )}
      {rows.length > 0 && !cards && (
        <table className={css.table} aria-labelledby={id} data-kind={kind.what}>
          <thead>
            <tr>
              <Head
                {...props}
                column={{
                  key: kind.state,
                  name: 'State',
                  explain: 'Problems are listed first.',
                }}
              />
              <Head {...props} column={kind.lead} />
              {kind.columns.map((column) => (
                <Head key={column.key} {...props} column={column} number />
              ))}
              {offersEnd && (
                <th scope="col" className={css.actions}>
                  <span className={css.unseen}>End</span>
                </th>
              )}
            </tr>
          </thead>
          <tbody {...holding}>
            {shown.map((item) => {
              const { key, ...rest } = row(item);
              return <TableRow key={key} {...rest} />;
            })}
          </tbody>
        </table>
      )}
      {hidden > 0 && (
        <p className={css.more} data-testid={`${id}-hidden`}>
          <span className="number">{formatCount(hidden)} more are not shown.</span>
          <Button variant="default" onClick={() => setChosen(next.most)}>
            {next.words}
          </Button>
        </p>
      )}
    </section>
  );
}

type HeadProps<Row, Key extends string> = Pick<Props<Row, Key>, 'sorts' | 'sort' | 'onSort'> & {
  column: Pick<Column<Row, Key>, 'key' | 'name' | 'explain'>;
  number?: boolean;
};

function Head<Row, Key extends string>(props: HeadProps<Row, Key>) {
  const { column, sorts, sort, onSort, number } = props;
  const sorted = sort.by === column.key;
  const descending = descends(sorts[column.key], sorted && sort.reversed);
  return (
    <th
      scope="col"
      className={number === true ? css.numberHead : undefined}
      data-column={column.key}
      aria-sort={sorted ? (descending ? 'descending' : 'ascending') : undefined}
    >
      <Tooltip label={column.explain} openDelay={500}>
        <button
          type="button"
          className={css.sort}
          onClick={() => onSort(nextSort(sort, column.key))}
        >
          {column.name}
          <span className={css.arrow} data-sorted={sorted || undefined}>
            <Icon name={descending ? 'down' : 'up'} size={14} />
          </span>
        </button>
      </Tooltip>
    </th>
  );
}

function SortChoice<Row, Key extends string>({ kind, sorts, sort, onSort }: Props<Row, Key>) {
  const choices = [{ key: kind.state, name: 'State' }, kind.lead, ...kind.columns];
  return (
    <span className={css.choice}>
      <NativeSelect
        aria-label={`Sort ${kind.what}s by`}
        value={sort.by}
        onChange={(event) => {
          const by = choices.find(({ key }) => key === event.currentTarget.value);
          if (by !== undefined) onSort({ by: by.key, reversed: false });
        }}
        data={choices.map(({ key, name }) => ({ value: key, label: name }))}
      />
      <ActionIcon
        onClick={() => onSort({ ...sort, reversed: !sort.reversed })}
        aria-label="Reverse the order"
      >
        <Icon name={descends(sorts[sort.by], sort.reversed) ? 'down' : 'up'} />
      </ActionIcon>
    </span>
  );
}

function descends<Row>({ largestFirst = false }: Sortable<Row>, reversed: boolean): boolean {
  return largestFirst !== reversed;
}
