import { memo, useId } from 'react';
import { Icon } from '../components/Icon';
import { StateBadge } from '../components/StateBadge';
import type { Kind } from './kind';
import css from './Row.module.css';

interface Props<Row, Key extends string> {
  kind: Kind<Row, Key>;
  row: Row;
  open: boolean;
  whyNot: string | null;
  /** Whether ending is offered at all. */
  offersEnd: boolean;
  onToggle: (key: string) => void;
  onEnd: (key: string) => void;
  onFind: (text: string) => void;
}

function Table<Row, Key extends string>(props: Props<Row, Key>) {
  const { kind, row, open, whyNot, offersEnd, onToggle, onEnd, onFind } = props;
  const panel = useId();
  const id = kind.keyOf(row);
  const title = (kind.title ?? kind.nameOf)(row);
  const about = kind.about(row);
  const { tone, icon, word } = kind.words(row);
  return (
    <>
      <tr className={css.row} data-open={open || undefined} data-testid={`${kind.what}-${id}`}>
        <td>
          <StateBadge tone={tone} icon={icon} word={word} />
        </td>
        <th scope="row" className={css.lead}>
          <Opener {...{ id, title, about, open, panel, onToggle }} />
        </th>
        {kind.columns.map((column) => (
          <td key={column.key} className={`number ${css.value}`} data-column={column.key}>
            {column.cell(row)}
          </td>
        ))}
        {offersEnd && (
          <td className={css.actions}>
            <EndButton name={kind.nameOf(row)} {...{ id, whyNot, onEnd }} />
          </td>
        )}
      </tr>
      {open && (
        <tr className={css.panelRow}>
          <td colSpan={kind.columns.length + (offersEnd ? 3 : 2)} id={panel}>
            <kind.Panel row={row} onFind={onFind} />
          </td>
        </tr>
      )}
    </>
  );
}

function Card<Row, Key extends string>(props: Props<Row, Key>) {
  const { kind, row, open, whyNot, offersEnd, onToggle, onEnd, onFind } = props;
  const panel = useId();
  const id = kind.keyOf(row);
  const title = (kind.title ?? kind.nameOf)(row);
  const about = kind.about(row);
  const { tone, icon, word } = kind.words(row);
  return (
    <li className={css.card} data-testid={`${kind.what}-${id}`}>
      <div className={css.cardHead}>
        <Opener {...{ id, title, about, open, panel, onToggle }} />
        <StateBadge tone={tone} icon={icon} word={word} />
        {offersEnd && <EndButton name={kind.nameOf(row)} {...{ id, whyNot, onEnd }} />}
      </div>
      <dl className={css.values}>
        {kind.columns.map((column) => (
          <div key={column.key} data-column={column.key}>
            <dt>{column.name}</dt>
            <dd className="number">{column.cell(row)}</dd>
          </div>
        ))}
      </dl>
      {open && (
        <div id={panel}>
          <kind.Panel row={row} onFind={onFind} />
        </div>
      )}
    </li>
  );
}

/** The row as a table has it. Renders again only when the row is another one. */
export const TableRow = memo(Table) as typeof Table;
/** The row as a card of its own. */
export const CardRow = memo(Card) as typeof Card;

interface OpenerProps {
  id: string;
  title: string;
  about: string;
  open: boolean;
  panel: string;
  onToggle: (key: string) => void;
}

const Opener = memo(function Opener({ id, title, about, open, panel, onToggle }: OpenerProps) {
  return (
    <button
      type="button"
      className={css.opener}
      aria-expanded={open}
      aria-controls={open ? panel : undefined}
      onClick={() => onToggle(id)}
    >
      <span className={css.sign} data-open={open || undefined}>
        <Icon name="unfold" size={16} />
      </span>
      <span className={css.names}>
        <span className={css.name} title={title}>
          {title}
        </span>
        <span className={css.about}>{about}</span>
      </span>
    </button>
  );
});

interface EndProps {
  id: string;
  name: string;
  whyNot: string | null;
  onEnd: (key: string) => void;
}

/** Switched off it stays where it is, and says why. */
const EndButton = memo(function EndButton({ id, name, whyNot, onEnd }: EndProps) {
  const label = `End ${name}`;
  return (
    <button
      type="button"
      className={css.end}
      aria-label={label}
      title={whyNot ?? label}
      aria-disabled={whyNot !== null}
      data-testid="end"
      onClick={whyNot === null ? () => onEnd(id) : undefined}
    >
      <Icon name="close" />
    </button>
  );
});
