import { useServerAddress } from '../api/programs';
import { Snippet } from '../components/Snippet';
import { Snippets } from '../components/Snippets';
import { formatOptions, type ReadOptions } from './options';
import { curlSnippet, javascriptReadSnippet, pythonReadSnippet } from './snippets';

/** The same for other programs, with this server's address and the settings filled in. */
export function ReadSnippets({ options }: { options: ReadOptions }) {
  const at = useServerAddress();
  const query = new URLSearchParams(formatOptions(options)).toString();
  return (
    <Snippets
      lead={
        <>
          Send a picture and get its text with polygons, using the settings chosen above. For many
          files, use <code>/api/v1/jobs</code>, or <code>sightwire read</code> on the command line.
        </>
      }
    >
      <Snippet language="curl" file="terminal" code={curlSnippet(at, query)} />
      <Snippet language="Python" file="read.py" code={pythonReadSnippet(at, query)} />
      <Snippet language="JavaScript" file="read.mjs" code={javascriptReadSnippet(at, query)} />
    </Snippets>
  );
}
