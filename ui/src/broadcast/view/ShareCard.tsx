import { Button, SegmentedControl, TextInput } from '@mantine/core';
import { type ReactNode, type RefObject, useState } from 'react';
import { nameProblem } from 'sightwire/relay';
import { Icon } from '../../components/Icon';
import type { Mode, Settings } from '../settings';
import { wallPath } from '../snippets';
import { at } from '../../base/basePath';
import { useMay, useSessionAsked } from '../../api/session';
import css from './ShareCard.module.css';
import { ViewersLink } from './ViewersLink';
import { Watching } from './Watching';

interface Props {
  name: string;
  mode: Mode;
  onChange: (change: Partial<Settings>) => void;
  field: RefObject<HTMLInputElement | null>;
  /** Enter in the field does it, too. */
  onStart: () => void;
  running: boolean;
  /** The page shows its own stream as its viewers get it. */
  previews: boolean;
  /** The button that starts and stops; elsewhere on phones. */
  children?: ReactNode;
}

const MODES: { value: Mode; label: string }[] = [
  { value: 'normal', label: 'Normal' },
  { value: 'enhanced', label: 'Enhanced' },
];

/** Under which name, and how it is analysed. */
export function ShareCard({
  name,
  mode,
  onChange,
  field,
  onStart,
  running,
  previews,
  children,
}: Props) {
  // Nobody is asked for what is not known yet.
  const isOperator = useMay('operator');
  const seesViewers = useSessionAsked() && isOperator;
  return (
    <section className={`card ${css.share}`} aria-label="Share">
      <div className={css.first}>
        {/* Another name from elsewhere, such as the address, begins the field anew. */}
        <NameField
          key={name}
          name={name}
          field={field}
          onName={(next) => onChange({ name: next })}
          onEnter={() => {
            if (!running) onStart();
          }}
        />
        {children}
      </div>
      <div className={css.second}>
        <SegmentedControl
          aria-label="Analysis"
          className={css.mode ?? ''}
          value={mode}
          onChange={(next) => onChange({ mode: next })}
          data={MODES}
          data-testid="mode"
        />
        {/* In a tab of its own: leaving this page ends the stream. */}
        <Button
          component="a"
          href={at(wallPath(name))}
          target="_blank"
          rel="noopener"
          aria-label="On the Wall, in a new tab"
          variant="default"
          leftSection={<Icon name="eye" />}
          data-testid="to-wall"
        >
          On the Wall
        </Button>
      </div>
      <ViewersLink key={name} name={name} />
      {running && seesViewers && <Watching name={name} previews={previews} />}
      <p className={css.hint}>
        {mode === 'normal'
          ? 'Detection runs on 5 frames per second (default) when a viewer turns it on.'
          : 'Detection runs on 15 frames per second (default) when a viewer turns it on.'}
      </p>
    </section>
  );
}

interface NameProps {
  name: string;
  field: RefObject<HTMLInputElement | null>;
  onName: (name: string) => void;
  onEnter: () => void;
}

/** Takes effect when it is left, or with Enter: each letter would be a stream of its own. */
function NameField({ name, field, onName, onEnter }: NameProps) {
  const [typed, setTyped] = useState(name);
  const problem = typed.trim() === name ? null : nameProblem(typed.trim());
  const take = () => {
    if (problem === null && typed.trim() !== name) onName(typed.trim());
  };
  return (
    <TextInput
      ref={field}
      className={css.name ?? ''}
      label="Name"
      value={typed}
      onChange={(event) => setTyped(event.currentTarget.value)}
      onBlur={take}
      onKeyDown={(event) => {
        if (event.key === 'Escape') setTyped(name);
        if (event.key !== 'Enter' || problem !== null) return;
        take();
        onEnter();
      }}
      error={problem}
      autoComplete="off"
      autoCapitalize="none"
      spellCheck={false}
      data-testid="name"
    />
  );
}
