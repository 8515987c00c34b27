import { Notice } from '../components/Notice';
import css from './EngineWarnings.module.css';

interface Props {
  /** As the server says them. */
  warnings: string[];
}

/** What this machine does not do when it runs models; nothing where it does all. */
export function EngineWarnings({ warnings }: Props) {
  if (warnings.length === 0) return null;
  return (
    <Notice
      tone="warn"
      icon="alert"
      title="Some execution options do not work on this machine"
      data-testid="engine-warnings"
    >
      <ul className={css.list}>
        {warnings.map((warning) => (
          <li key={warning}>{warning}</li>
        ))}
      </ul>
    </Notice>
  );
}
