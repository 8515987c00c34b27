import { CopyButton } from './CopyButton';
import css from './Command.module.css';

/** A command to copy. */
export function Command({ text }: { text: string }) {
  return (
    <div className={css.command}>
      <code data-testid="command">{text}</code>
      <CopyButton text={text} what="the command" />
    </div>
  );
}
