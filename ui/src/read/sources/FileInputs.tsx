import { type ChangeEvent, type RefObject, useEffect } from 'react';
import { ACCEPT, chosen, type Pick } from './pick';

interface Props {
  files: RefObject<HTMLInputElement | null>;
  folder: RefObject<HTMLInputElement | null>;
  onPick: (pick: Pick) => void;
}

/** The browser's own choosers, which buttons and keys of the page open. */
export function FileInputs({ files, folder, onPick }: Props) {
  useEffect(() => {
    // React does not know this attribute.
    folder.current?.setAttribute('webkitdirectory', '');
  }, [folder]);
  const change = ({ currentTarget }: ChangeEvent<HTMLInputElement>) => {
    if (currentTarget.files === null || currentTarget.files.length === 0) return;
    onPick(chosen(currentTarget.files));
    // The same file may be chosen again.
    currentTarget.value = '';
  };
  return (
    <>
      <input
        ref={files}
        type="file"
        multiple
        hidden
        accept={ACCEPT}
        onChange={change}
        data-testid="file-input"
      />
      <input
        ref={folder}
        type="file"
        multiple
        hidden
        onChange={change}
        data-testid="folder-input"
      />
    </>
  );
}
