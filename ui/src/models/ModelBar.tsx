import { UnstyledButton } from '@mantine/core';
import { Icon } from '../components/Icon';
import { Progress } from '../components/Progress';
import css from './ModelBar.module.css';

interface Props {
  title: string;
  /** What tells it apart, or what happens to it. */
  note: string;
  /** It is being loaded or changed; how far that is (0 to 1), where it is known. */
  busy: { progress: number | null } | null;
  onOpen: () => void;
}

/** The model that is in use; opens the list of all models. */
export function ModelBar({ title, note, busy, onOpen }: Props) {
  return (
    <UnstyledButton
      className={`card ${css.bar}`}
      onClick={onOpen}
      aria-haspopup="dialog"
      data-testid="model-bar"
    >
      <span className={css.icon}>
        <Icon name="model" />
      </span>
      <span className={css.title}>
        <span className={css.word}>Model: </span>
        {title}
      </span>
      <span className={`number ${css.note}`} data-testid="model-note">
        {note}
      </span>
      <span className={css.change}>
        <span className={css.word}>Change</span>
        <Icon name="sliders" size={16} />
      </span>
      {busy !== null && (
        <span className={css.progress}>
          <Progress label="Loading the model" value={busy.progress} />
        </span>
      )}
    </UnstyledButton>
  );
}
