import { Snippet } from '../components/Snippet';
import { Snippets } from '../components/Snippets';
import { pythonSendSnippet, pythonWatchSnippet, sendSnippet, watchSnippet } from './snippets';

interface Props {
  /** Where there is nothing yet, one has to send first. */
  empty: boolean;
}

/** The same for other programs, with the address filled in. */
export function WallSnippets({ empty }: Props) {
  const { origin } = location;
  return (
    <Snippets
      lead={
        empty
          ? 'Send JPEGs over a WebSocket, and they appear here. These lines play a generated clip.'
          : 'Any number of programs can watch the streams on this wall.'
      }
    >
      <Snippet
        language="JavaScript"
        file={empty ? 'send.mjs, Node 22' : 'watch.mjs, Node 22'}
        code={empty ? sendSnippet(origin) : watchSnippet(origin)}
      />
      <Snippet
        language="Python"
        file={empty ? 'send.py' : 'watch.py'}
        code={empty ? pythonSendSnippet(origin) : pythonWatchSnippet(origin)}
      />
    </Snippets>
  );
}
