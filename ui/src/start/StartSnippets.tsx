import { Snippet } from '../components/Snippet';
import { Snippets } from '../components/Snippets';
import { javascriptSnippet, pythonSnippet } from './snippets';

/** Code to paste, with this server's address filled in. */
export function StartSnippets() {
  const { origin } = window.location;
  return (
    <Snippets lead="Send JPEGs over Socket.IO; every frame is answered immediately. These five lines play a generated clip.">
      <Snippet language="JavaScript" file="try.mjs" code={javascriptSnippet(origin)} />
      <Snippet language="Python" file="try.py" code={pythonSnippet(origin)} />
    </Snippets>
  );
}
