import { Snippet } from '../components/Snippet';
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
        Send JPEGs over Socket.IO; every frame is answered immediately. These five lines play a
        generated clip.
      </p>
      <div className={css.grid}>
        <Snippet language="JavaScript" file="try.mjs" code={javascriptSnippet(origin)} />
        <Snippet language="Python" file="try.py" code={pythonSnippet(origin)} />
      </div>
    </section>
  );
}
