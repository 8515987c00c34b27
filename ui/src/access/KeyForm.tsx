import { Button } from '@mantine/core';
import { useState } from 'react';
import type { MadeKey } from 'sightwire/api';
import { makeKey } from '../api/access';
import { CopyButton } from '../components/CopyButton';
import { Notice } from '../components/Notice';
import { useArrival } from '../components/useArrival';
import css from './AccessForm.module.css';
import { NewKeyForm } from './NewKeyForm';
import { DAY_S, NO_SCOPE } from './scope';

const LASTS = {
  label: 'Expires',
  choices: [
    { seconds: null, label: 'Never' },
    { seconds: DAY_S, label: 'After a day' },
    { seconds: 30 * DAY_S, label: 'After 30 days' },
    { seconds: 365 * DAY_S, label: 'After a year' },
  ],
};

/** Makes a key, and shows it once. */
export function KeyForm({ onClose }: { onClose: () => void }) {
  const [made, setMade] = useState<MadeKey | null>(null);
  if (made === null) {
    return (
      <NewKeyForm
        id="key"
        label="New key"
        example="phone at the gate"
        begin={NO_SCOPE}
        lasts={LASTS}
        verb="Make the key"
        make={async (wanted) => setMade(await makeKey(wanted))}
        onClose={onClose}
      />
    );
  }
  return <MadeKeyView made={made} onClose={onClose} />;
}

function MadeKeyView({ made, onClose }: { made: MadeKey; onClose: () => void }) {
  const arrival = useArrival<HTMLDivElement>();
  return (
    <div
      ref={arrival}
      tabIndex={-1}
      role="group"
      aria-label="New key"
      className={`${css.form} ${css.arrived}`}
      data-testid="made-key"
    >
      <Notice tone="warn" icon="key" title="Copy the key now: it is not shown again.">
        Whoever has it may do what it allows, until you revoke it.
      </Notice>
      <div className={css.made}>
        <code>{made.key}</code>
        <CopyButton text={made.key} what="the key" />
      </div>
      <div className={css.buttons}>
        <Button onClick={onClose}>Done</Button>
      </div>
    </div>
  );
}
