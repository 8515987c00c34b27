import { useServerAddress } from '../../api/programs';
import { Snippet } from '../../components/Snippet';
import { Snippets } from '../../components/Snippets';
import { pythonSendSnippet, sendSnippet } from '../sendSnippets';

/** A stream from another program, with the address filled in. */
export function SendSnippets() {
  const at = useServerAddress();
  return (
    <Snippets
      title="Send from your own program"
      lead="Send JPEGs over a WebSocket, and they appear on the Wall. These lines play a generated clip."
    >
      <Snippet language="JavaScript" file="send.mjs, Node 22" code={sendSnippet(at)} />
      <Snippet language="Python" file="send.py" code={pythonSendSnippet(at)} />
    </Snippets>
  );
}
