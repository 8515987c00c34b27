import { useServerAddress } from '../api/programs';
import { Snippet } from '../components/Snippet';
import { Snippets } from '../components/Snippets';
import { javascriptSnippet, pythonSnippet } from './snippets';

/** Code to paste, with this server's address filled in. */
export function StartSnippets() {
  const at = useServerAddress();
  return (
    <Snippets lead="Send JPEGs over Socket.IO; every frame is answered immediately. These five lines play a generated clip.">
      <Snippet language="JavaScript" file="try.mjs" code={javascriptSnippet(at)} />
      <Snippet language="Python" file="try.py" code={pythonSnippet(at)} />
    </Snippets>
  );
}
