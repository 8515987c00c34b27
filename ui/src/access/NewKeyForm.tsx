import { Button, NativeSelect, TextInput } from '@mantine/core';
import { type ReactNode, type SyntheticEvent, useState } from 'react';
import type { NewKey } from 'sightwire/api';
import { sentence } from '../api/http';
import { Notice } from '../components/Notice';
import css from './AccessForm.module.css';
import { type Lasts, newKey, type Scope } from './scope';
import { ScopeFields } from './ScopeFields';

interface Props {
  id: string;
  label: string;
  /** What a name would be, as an example. */
  example: string;
  /** What it is called, unless somebody says otherwise. */
  name?: string;
  begin: Scope;
  lasts: { label: string; description?: string; choices: readonly Lasts[] };
  /** What making it is called. */
  verb: string;
  make: (wanted: NewKey) => Promise<void>;
  onClose: () => void;
  /** What is to be known before. */
  children?: ReactNode;
}

/** What a new key is for: its name, role and scope, and until when it counts. */
export function NewKeyForm(props: Props) {
  const { id, label, example, begin, lasts, verb, make, onClose, children } = props;
  const [name, setName] = useState(props.name ?? '');
  const [scope, setScope] = useState(begin);
  const [seconds, setSeconds] = useState(lasts.choices[0]?.seconds ?? null);
  const [failed, setFailed] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailed(null);
    make(newKey(name, scope, seconds)).catch((error: unknown) => {
      setFailed(sentence(error));
      setBusy(false);
    });
  };
  return (
    <form className={css.form} onSubmit={submit} aria-label={label}>
      {children}
      <TextInput
        label="Name"
        description={`What it is for, such as ${example}`}
        value={name}
        onChange={({ currentTarget: { value } }) => setName(value)}
        maxLength={64}
        autoFocus
      />
      <ScopeFields id={id} scope={scope} onChange={setScope} />
      <NativeSelect
        label={lasts.label}
        description={lasts.description}
        data={lasts.choices.map((one) => ({ value: String(one.seconds), label: one.label }))}
        value={String(seconds)}
        onChange={({ currentTarget: { value } }) =>
          setSeconds(value === 'null' ? null : Number(value))
        }
      />
      {failed !== null && <Notice tone="bad" icon="alert" title={failed} />}
      <div className={css.buttons}>
        <Button type="submit" loading={busy} data-testid={`make-${id}`}>
          {verb}
        </Button>
        <Button variant="subtle" color="gray" onClick={onClose}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
