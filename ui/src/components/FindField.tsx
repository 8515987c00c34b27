import { TextInput } from '@mantine/core';
import type { RefObject } from 'react';
import { Icon } from './Icon';

interface Props {
  /** What is looked for: "Find a file". */
  label: string;
  placeholder: string;
  find: string;
  onFind: (text: string) => void;
  field?: RefObject<HTMLInputElement | null>;
  className?: string | undefined;
  'data-testid'?: string;
}

/** Narrows a list while it is typed in; Escape shows all again. */
export function FindField({ label, find, onFind, field, className = '', ...rest }: Props) {
  return (
    <TextInput
      {...rest}
      {...(field !== undefined && { ref: field })}
      className={className}
      type="search"
      aria-label={label}
      leftSection={<Icon name="search" />}
      value={find}
      onChange={(event) => onFind(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onFind('');
      }}
      // A dialog around it stays open then.
      data-mantine-stop-propagation={find !== ''}
    />
  );
}
