import { CopyButton } from './CopyButton';
import css from './Snippet.module.css';

interface Props {
  language: string;
  /** What the code would be kept as, or another short remark. */
  file: string;
  code: string;
  /** What it is called where it is not seen; needed where a page has two in a language. */
  label?: string;
}

/** Code to paste. */
export function Snippet({ language, file, code, label = `${language} snippet` }: Props) {
  return (
    <figure className={`card ${css.snippet}`}>
      <figcaption className={css.bar}>
        <span>
          <strong>{language}</strong> <span className={css.file}>{file}</span>
        </span>
        <CopyButton text={code} what={`the ${label}`} />
      </figcaption>
      <pre className={css.code} tabIndex={0} role="group" aria-label={label}>
        <code>{code}</code>
      </pre>
    </figure>
  );
}
