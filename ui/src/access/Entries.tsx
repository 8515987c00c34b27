import { Button } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { sentence } from '../api/http';
import { FIND_FROM, isFound, NOT_FOUND } from '../components/find';
import { FindField } from '../components/FindField';
import { formatCount } from '../components/format';
import { Icon } from '../components/Icon';
import { Notice } from '../components/Notice';
import { ToolButton } from '../components/ToolButton';
import { AccessCard } from './AccessCard';
import css from './Entries.module.css';

/** So many at first: of more, one is found faster by its name. */
const FIRST = 20;

export interface Row {
  id: string;
  name: string;
  /** What it may, and of what. */
  about: string;
  /** Until when, or since when. */
  time: string;
  /** It counts no more. */
  over: boolean;
}

interface Props {
  title: string;
  /** What these are. */
  text: ReactNode;
  /** Null until the server has said which there are. */
  rows: readonly Row[] | null;
  /** What is said where there are none. */
  none: string;
  add: string;
  /** What taking one away is called. */
  verb: string;
  form: (onClose: () => void) => ReactNode;
  onRemove: (id: string) => Promise<void>;
}

/** Keys, or users: which there are, one more, one fewer. */
export function Entries({ title, text, rows, none, add, verb, form, onRemove }: Props) {
  const [adding, setAdding] = useState(false);
  const [find, setFind] = useState('');
  const [most, setMost] = useState(FIRST);
  const found = (rows ?? []).filter(({ name, about }) => isFound(find, name, about));
  const hidden = found.length - most;
  return (
    <AccessCard
      title={title}
      text={text}
      action={
        !adding && (
          <Button leftSection={<Icon name="plus" />} onClick={() => setAdding(true)}>
            {add}
          </Button>
        )
      }
    >
      {adding && form(() => setAdding(false))}
      {rows !== null && rows.length === 0 && <p className={css.none}>{none}</p>}
      {rows !== null && (rows.length >= FIND_FROM || find !== '') && (
        <div className={css.find} role="search">
          <FindField
            label={`Find in: ${title}`}
            placeholder="Find a name, a role or a stream"
            find={find}
            onFind={setFind}
          />
        </div>
      )}
      {found.length > 0 && (
        <ul className={css.list}>
          {found.slice(0, most).map((row) => (
            <Entry key={row.id} row={row} verb={verb} onRemove={onRemove} />
          ))}
        </ul>
      )}
      {rows !== null && rows.length > 0 && found.length === 0 && (
        <p className={css.none}>{NOT_FOUND}</p>
      )}
      {hidden > 0 && (
        <p className={css.rest}>
          <Button variant="default" onClick={() => setMost(found.length)}>
            Show all {formatCount(found.length)}
          </Button>
        </p>
      )}
    </AccessCard>
  );
}

function Entry({ row, verb, onRemove }: { row: Row } & Pick<Props, 'verb' | 'onRemove'>) {
  const [asking, setAsking] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  const remove = () =>
    void onRemove(row.id).catch((error: unknown) => {
      setAsking(false);
      setFailed(sentence(error));
    });
  return (
    <li className={css.entry} data-over={row.over || undefined}>
      <div className={css.words}>
        <p className={css.name}>{row.name}</p>
        <p className={css.about}>{row.about}</p>
        <p className={css.about}>{row.time}</p>
        {failed !== null && <Notice tone="bad" icon="alert" title={failed} />}
      </div>
      {asking ? (
        <span className={css.sure} role="group" aria-label={`${verb} ${row.name}?`}>
          <Button
            className={css.danger}
            onClick={remove}
            autoFocus
            aria-label={`${verb} ${row.name}`}
          >
            {verb}
          </Button>
          <Button variant="subtle" color="gray" px="sm" onClick={() => setAsking(false)}>
            Keep
          </Button>
        </span>
      ) : (
        <ToolButton icon="trash" onClick={() => setAsking(true)} aria-label={`${verb} ${row.name}`}>
          {verb}
        </ToolButton>
      )}
    </li>
  );
}
