import { CopyButton } from '../components/CopyButton';
import { javascriptSnippet, pythonSnippet } from './snippets';
import css from './Snippets.module.css';

/** Code to paste, with this server's address filled in. */
export function Snippets() {
  const { origin } = window.location;
  return (
    <section aria-labelledby="snippets">
      <h2 id="snippets" className={css.heading}>
        From your own program
      </h2>
      <p className={css.lead}>
        Send JPEGs over Socket.IO; every frame is answered at once. These five lines play a
        generated clip.
      </p>
      <div className={css.grid}>
        <Snippet language="JavaScript" file="try.mjs" code={javascriptSnippet(origin)} />
        <Snippet language="Python" file="try.py" code={pythonSnippet(origin)} />
      </div>
    </section>
  );
}

function Snippet({ language, file, code }: { language: string; file: string; code: string }) {
  return (
    <figure className={`card ${css.snippet}`}>
      <figcaption className={css.bar}>
        <span>
          <strong>{language}</strong> <span className={css.file}>{file}</span>
        </span>
        <CopyButton text={code} what={`the ${language} snippet`} />
      </figcaption>
      <pre className={css.code} tabIndex={0} aria-label={`${language} snippet`}>
        <code>{code}</code>
      </pre>
    </figure>
  );
}
