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
        Watch it from your own program
      </h2>
      <p className={css.lead}>
        The stream has an address. Any number of players and programs may open it:
      </p>
      <Command text={url} />
      <div className={css.grid}>
        <Snippet language="HTML" file="in a page of yours" code={htmlSnippet(url)} />
        <Snippet language="ffmpeg" file="a minute as a file" code={ffmpegSnippet(url)} />
        <Snippet language="Python" file="pictures.py" code={pythonPicturesSnippet(url)} />
        <Snippet
          language="JavaScript"
          file="each picture as it comes"
          code={javascriptViewerSnippet(location.origin, name)}
        />
      </div>
    </section>
  );
}
