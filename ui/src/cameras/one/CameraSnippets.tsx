import { Command } from '../../components/Command';
import { Snippet } from '../../components/Snippet';
import {
  ffmpegSnippet,
  htmlSnippet,
  pythonObjectsSnippet,
  pythonPicturesSnippet,
} from './snippets';
import css from './CameraSnippets.module.css';

/** This view for other programs, with the address filled in. */
export function CameraSnippets({ pictures, objects }: { pictures: string; objects: string }) {
  const url = location.origin + pictures;
  return (
    <section aria-labelledby="snippets">
      <h2 id="snippets" className={css.heading}>
        From your own program
      </h2>
      <p className={css.lead}>This view has an address. Any number of programs may open it:</p>
      <Command text={url} />
      <div className={css.grid}>
        <Snippet language="HTML" file="in a page of yours" code={htmlSnippet(url)} />
        <Snippet language="ffmpeg" file="a minute as a file" code={ffmpegSnippet(url)} />
        <Snippet
          language="Python"
          file="pictures.py"
          label="Python snippet for pictures"
          code={pythonPicturesSnippet(url)}
        />
        <Snippet
          language="Python"
          file="objects.py"
          label="Python snippet for objects"
          code={pythonObjectsSnippet(location.origin + objects)}
        />
      </div>
    </section>
  );
}
