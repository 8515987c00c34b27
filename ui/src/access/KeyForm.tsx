import { Button, NativeSelect, TextInput } from '@mantine/core';
import { type SyntheticEvent, useState } from 'react';
import type { MadeKey } from 'sightwire/api';
import { makeKey } from '../api/access';
import { sentence } from '../api/http';
import { CopyButton } from '../components/CopyButton';
import { Notice } from '../components/Notice';
import css from './AccessForm.module.css';
import { NO_SCOPE, toSend } from './scope';
import { ScopeFields } from './ScopeFields';

const DAY_S = 86_400;
const TIMES = [
  { value: '0', label: 'Never' },
  { value: String(DAY_S), label: 'After a day' },
  { value: String(30 * DAY_S), label: 'After 30 days' },
  { value: String(365 * DAY_S), label: 'After a year' },
];

/** Makes a key, and shows it once. */
export function KeyForm({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [scope, setScope] = useState(NO_SCOPE);
  const [expires, setExpires] = useState('0');
  const [made, setMade] = useState<MadeKey | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const make = async () => {
    setBusy(true);
    setFailed(null);
    const trimmed = name.trim();
    try {
      const wanted = { ...toSend(scope), ...(trimmed === '' ? {} : { name: trimmed }) };
      setMade(await makeKey(expires === '0' ? wanted : { ...wanted, expires_s: Number(expires) }));
    } catch (error) {
      setFailed(sentence(error));
    } finally {
      setBusy(false);
    }
  };
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    void make();
  };

  if (made !== null) {
    return (
      <div className={css.form} data-testid="made-key">
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
  return (
    <form className={css.form} onSubmit={submit} aria-label="New key">
      <TextInput
        label="Name"
        description="What it is for, such as phone at the gate"
        value={name}
        onChange={({ currentTarget: { value } }) => setName(value)}
        maxLength={64}
        autoFocus
      />
      <ScopeFields id="key" scope={scope} onChange={setScope} />
      <NativeSelect
        label="Expires"
        data={TIMES}
        value={expires}
        onChange={({ currentTarget: { value } }) => setExpires(value)}
      />
      {failed !== null && <Notice tone="bad" icon="alert" title={failed} />}
      <div className={css.buttons}>
        <Button type="submit" loading={busy} data-testid="make-key">
          Make the key
        </Button>
        <Button variant="subtle" color="gray" onClick={onClose}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
