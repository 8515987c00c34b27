import css from '../../cameras/one/CameraSnippets.module.css';
import { ffmpegSnippet, htmlSnippet, pythonPicturesSnippet } from '../../cameras/one/snippets';
import { Command } from '../../components/Command';
import { Snippet } from '../../components/Snippet';
import { javascriptViewerSnippet, picturesPath } from '../snippets';

/** The stream for other programs, with the address filled in. */
export function WatchSnippets({ name }: { name: string }) {
  const url = location.origin + picturesPath(name);
  return (
    <section aria-labelledby="snippets">
      <h2 id="snippets" className={css.heading}>
        Watch from your own program
      </h2>
      <p className={css.lead}>
        Any number of players and programs can open the stream at its address:
      </p>
      <Command text={url} />
      <div className={css.grid}>
        <Snippet language="HTML" file="in your own page" code={htmlSnippet(url)} />
        <Snippet language="ffmpeg" file="one minute to a file" code={ffmpegSnippet(url)} />
        <Snippet language="Python" file="pictures.py" code={pythonPicturesSnippet(url)} />
        <Snippet
          language="JavaScript"
          file="each frame as it arrives"
          code={javascriptViewerSnippet(location.origin, name)}
        />
      </div>
    </section>
  );
}
