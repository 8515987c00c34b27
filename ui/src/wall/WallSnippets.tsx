import { useServerAddress } from '../api/programs';
import { Snippet } from '../components/Snippet';
import { Snippets } from '../components/Snippets';
import { pythonSendSnippet, pythonWatchSnippet, sendSnippet, watchSnippet } from './snippets';

interface Props {
  /** Where there is nothing yet, one has to send first, if one may. */
  sends: boolean;
}

/** The same for other programs, with the address filled in. */
export function WallSnippets({ sends }: Props) {
  const at = useServerAddress();
  return (
    <Snippets
      lead={
        sends
          ? 'Send JPEGs over a WebSocket, and they appear here. These lines play a generated clip.'
          : 'Any number of programs can watch the streams on this wall.'
      }
    >
      <Snippet
        language="JavaScript"
        file={sends ? 'send.mjs, Node 22' : 'watch.mjs, Node 22'}
        code={sends ? sendSnippet(at) : watchSnippet(at)}
      />
      <Snippet
        language="Python"
        file={sends ? 'send.py' : 'watch.py'}
        code={sends ? pythonSendSnippet(at) : pythonWatchSnippet(at)}
      />
    </Snippets>
  );
}
