import type { ComponentType, ReactNode } from 'react';
import type { Words } from './words';

/** A number of a row. */
export interface Column<Row, Key extends string> {
  /** By which the rows are sorted, too. */
  key: Key;
  name: string;
  /** How it is measured; shown on hover, focus and touch. */
  explain: string;
  cell: (row: Row) => ReactNode;
}

/** What a list is of. All of it stays the same for as long as the page is there. */
export interface Kind<Row, Key extends string> {
  /** `stream` */
  what: string;
  /** The name of the column that says which one a row is, and by what it is sorted. */
  lead: Pick<Column<Row, Key>, 'key' | 'name' | 'explain'>;
  state: Key;
  columns: readonly Column<Row, Key>[];
  keyOf: (row: Row) => string;
  /** What it is called in a sentence. */
  nameOf: (row: Row) => string;
  /** What stands in the row where that is not its name. */
  title?: (row: Row) => string;
  /** Beneath the name. */
  about: (row: Row) => string;
  words: (row: Row) => Words;
  Panel: ComponentType<{ row: Row; onFind: (text: string) => void }>;
}
