import type { RefObject } from 'react';

interface Props {
  /** To be clicked by whatever button or key asks for a file. */
  field: RefObject<HTMLInputElement | null>;
  onFile: (file: File) => void;
}

/** The way to a video file on this machine, without a look of its own. */
export function VideoInput({ field, onFile }: Props) {
  return (
    <input
      ref={field}
      type="file"
      accept="video/*"
      hidden
      onChange={({ currentTarget }) => {
        const chosen = currentTarget.files?.[0];
        if (chosen !== undefined) onFile(chosen);
        // The same file may be chosen again.
        currentTarget.value = '';
      }}
      data-testid="file-input"
    />
  );
}
