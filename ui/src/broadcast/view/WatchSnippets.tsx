import { useServerAddress } from '../../api/programs';
import { ffmpegSnippet, htmlSnippet, pythonPicturesSnippet } from '../../cameras/one/snippets';
import { Command } from '../../components/Command';
import { Snippet } from '../../components/Snippet';
import { Snippets } from '../../components/Snippets';
import { javascriptViewerSnippet, picturesPath } from '../snippets';

/** The stream for other programs, with the address filled in. */
export function WatchSnippets({ name }: { name: string }) {
  const at = useServerAddress();
  const url = at(picturesPath(name));
  return (
    <Snippets
      title="Watch from your own program"
      lead="Any number of players and programs can open the stream at its address."
      before={<Command text={url} />}
    >
      <Snippet language="HTML" file="in your own page" code={htmlSnippet(url)} />
      <Snippet language="ffmpeg" file="one minute to a file" code={ffmpegSnippet(url)} />
      <Snippet language="Python" file="pictures.py" code={pythonPicturesSnippet(url)} />
      <Snippet
        language="JavaScript"
        file="each frame as it arrives"
        code={javascriptViewerSnippet(at(''), name)}
      />
    </Snippets>
  );
}
