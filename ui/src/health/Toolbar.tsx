import { SegmentedControl } from '@mantine/core';
import type { RefObject } from 'react';
import { formatCount } from '../components/format';
import { FindField } from '../components/FindField';
import { ToolButton } from '../components/ToolButton';
import css from './Toolbar.module.css';

interface Props {
  field: RefObject<HTMLInputElement | null>;
  find: string;
  onFind: (text: string) => void;
  trouble: boolean;
  /** How many streams and viewers have problems. */
  troubled: number;
  onTrouble: (trouble: boolean) => void;
}

/** Which streams and viewers are shown. */
export function Toolbar({ field, find, onFind, trouble, troubled, onTrouble }: Props) {
  return (
    <div className={css.toolbar} role="search">
      <FindField
        field={field}
        className={css.find}
        label="Find streams and viewers"
        placeholder="Find a name or an address"
        find={find}
        onFind={onFind}
        data-testid="find"
      />
      <SegmentedControl
        className={css.which}
        value={trouble ? 'trouble' : 'all'}
        onChange={(value) => onTrouble(value === 'trouble')}
        data={[
          { value: 'all', label: 'All' },
          { value: 'trouble', label: troubledWords(troubled) },
        ]}
        aria-label="Filter"
        data-testid="which"
      />
      {(find !== '' || trouble) && (
        <ToolButton
          icon="undo"
          onClick={() => {
            onFind('');
            onTrouble(false);
          }}
        >
          Show all
        </ToolButton>
      )}
    </div>
  );
}

function troubledWords(troubled: number): string {
  return troubled === 0 ? 'With problems' : `With problems · ${formatCount(troubled)}`;
}
