import { VisuallyHidden } from '@mantine/core';
import { lettersOf } from './letters';
import css from './Name.module.css';

/** Shorter ones are cut at their end, where room is short. */
const LONG = 24;
/** Names of one place differ at their end: "North-east entrance of the hall, 2". */
const TAIL = 10;

/** A name in one line: where it is too long it is cut before its end, and a pointer over it shows it whole. */
export function Name({ children: name }: { children: string }) {
  if (name.length <= LONG) return <span title={name}>{name}</span>;
  const letters = lettersOf(name);
  const tail = letters.slice(-TAIL).join('');
  return (
    <>
      <VisuallyHidden className={css.whole ?? ''}>{name}</VisuallyHidden>
      <span className={css.name} title={name} dir="auto" aria-hidden="true" data-name>
        <span className={css.head}>{letters.slice(0, -TAIL).join('')}</span>
        <span className={css.tail}>{tail}</span>
      </span>
    </>
  );
}
