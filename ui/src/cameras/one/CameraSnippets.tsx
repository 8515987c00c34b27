import { useServerAddress } from '../../api/programs';
import { Command } from '../../components/Command';
import { Snippet } from '../../components/Snippet';
import { Snippets } from '../../components/Snippets';
import {
  ffmpegSnippet,
  htmlSnippet,
  pythonObjectsSnippet,
  pythonPicturesSnippet,
} from './snippets';

/** This view for other programs, with the address filled in. */
export function CameraSnippets({ pictures, objects }: { pictures: string; objects: string }) {
  const at = useServerAddress();
  const url = at(pictures);
  return (
    <Snippets
      lead="Any number of programs can open this view at its address."
      before={<Command text={url} />}
    >
      <Snippet language="HTML" file="in your own page" code={htmlSnippet(url)} />
      <Snippet language="ffmpeg" file="one minute to a file" code={ffmpegSnippet(url)} />
      <Snippet
        language="Python"
        file="pictures.py"
        label="Python snippet for frames"
        code={pythonPicturesSnippet(url)}
      />
      <Snippet
        language="Python"
        file="objects.py"
        label="Python snippet for objects"
        code={pythonObjectsSnippet(at(objects))}
      />
    </Snippets>
  );
}
