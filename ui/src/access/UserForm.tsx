import { Button, TextInput } from '@mantine/core';
import { type SyntheticEvent, useState } from 'react';
import { addUser } from '../api/access';
import { sentence } from '../api/http';
import { Notice } from '../components/Notice';
import css from './AccessForm.module.css';
import { NO_SCOPE, toSend } from './scope';
import { ScopeFields } from './ScopeFields';

const LEAST_CHARACTERS = 10;

/** Adds somebody who logs in with a password. */
export function UserForm({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [scope, setScope] = useState(NO_SCOPE);
  const [failed, setFailed] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const add = async () => {
    setBusy(true);
    setFailed(null);
    try {
      await addUser({ ...toSend(scope), name: name.trim(), password });
      onClose();
    } catch (error) {
      setFailed(sentence(error));
      setBusy(false);
    }
  };
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    void add();
  };

  return (
    <form className={css.form} onSubmit={submit} aria-label="New user">
      <TextInput
        label="Name"
        value={name}
        onChange={({ currentTarget: { value } }) => setName(value)}
        maxLength={64}
        required
        autoComplete="off"
        autoCapitalize="none"
        autoFocus
      />
      <TextInput
        label="Password"
        description={`At least ${LEAST_CHARACTERS} characters`}
        type="password"
        value={password}
        onChange={({ currentTarget: { value } }) => setPassword(value)}
        minLength={LEAST_CHARACTERS}
        required
        autoComplete="new-password"
      />
      <ScopeFields id="user" scope={scope} onChange={setScope} />
      {failed !== null && <Notice tone="bad" icon="alert" title={failed} />}
      <div className={css.buttons}>
        <Button type="submit" loading={busy} data-testid="add-user">
          Add the user
        </Button>
        <Button variant="subtle" color="gray" onClick={onClose}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
