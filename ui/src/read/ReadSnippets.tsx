import { Snippet } from '../components/Snippet';
import { formatOptions, type ReadOptions } from './options';
import { curlSnippet, javascriptReadSnippet, pythonReadSnippet } from './snippets';
import css from './ReadSnippets.module.css';

/** The same for other programs, with this server's address and the settings filled in. */
export function ReadSnippets({ options }: { options: ReadOptions }) {
  const { origin } = location;
  const query = new URLSearchParams(formatOptions(options)).toString();
  return (
    <section aria-labelledby="snippets">
      <h2 id="snippets" className={css.heading}>
        From your own program
      </h2>
      <p className={css.lead}>
        Send a picture and get its text with polygons, using the settings chosen above. For many
        files, use <code>/api/v1/jobs</code>, or <code>sightwire read</code> on the command line.
      </p>
      <div className={css.grid}>
        <Snippet language="curl" file="terminal" code={curlSnippet(origin, query)} />
        <Snippet language="Python" file="read.py" code={pythonReadSnippet(origin, query)} />
        <Snippet
          language="JavaScript"
          file="read.mjs"
          code={javascriptReadSnippet(origin, query)}
        />
      </div>
    </section>
  );
}
