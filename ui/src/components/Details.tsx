import { CopyButton } from './CopyButton';
import css from './Details.module.css';

/** The technical cause, folded away, with a button to copy it for whoever is asked for help. */
export function Details({ cause }: { cause: string }) {
  return (
    <details className={css.details}>
      <summary>Details</summary>
      <div className={css.body}>
        <code className={css.cause}>{cause}</code>
        <CopyButton text={cause} what="the technical cause" />
      </div>
    </details>
  );
}
