import { Switch, TextInput } from '@mantine/core';
import type { Use } from 'sightwire/api';
import css from './AccessForm.module.css';
import type { Scope } from './scope';
import { MAY, ROLES, USES } from './words';

const USE_WORDS: Record<Use, string> = {
  cameras: 'Cameras',
  reading: 'Reading text',
  relay: 'Relayed streams',
  signs: 'Signs',
};

interface Props {
  id: string;
  scope: Scope;
  onChange: (scope: Scope) => void;
}

export function ScopeFields({ id, scope, onChange }: Props) {
  const toggle = (use: Use, on: boolean) =>
    onChange({
      ...scope,
      uses: USES.filter((one) => (one === use ? on : scope.uses.includes(one))),
    });
  return (
    <>
      <fieldset className={css.roles}>
        <legend>Role</legend>
        {ROLES.map((role) => (
          <label key={role} className={css.role}>
            <input
              type="radio"
              name={`${id}-role`}
              checked={scope.role === role}
              onChange={() => onChange({ ...scope, role })}
            />
            <span>
              <strong>{role}</strong>
              <span className={css.may}>{MAY[role]}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <TextInput
        label="Streams"
        description="Ids or patterns such as gate-*, separated by commas. Empty: all."
        value={scope.streams}
        onChange={({ currentTarget: { value } }) => onChange({ ...scope, streams: value })}
        spellCheck={false}
        autoCapitalize="none"
      />
      <fieldset className={css.uses}>
        <legend>Limit to (nothing chosen: everything)</legend>
        {USES.map((use) => (
          <Switch
            key={use}
            label={USE_WORDS[use]}
            checked={scope.uses.includes(use)}
            onChange={({ currentTarget: { checked } }) => toggle(use, checked)}
          />
        ))}
      </fieldset>
    </>
  );
}
