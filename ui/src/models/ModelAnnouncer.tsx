import { VisuallyHidden } from '@mantine/core';

interface Props {
  title: string;
  switchingTo: string | null;
}

/** Tells screen readers of a change of the model: politely, when it begins and when it is done. */
export function ModelAnnouncer({ title, switchingTo }: Props) {
  return (
    <VisuallyHidden role="status" aria-live="polite" data-testid="model-announcement">
      {switchingTo === null ? `Model: ${title}` : `Switching to the model ${switchingTo}`}
    </VisuallyHidden>
  );
}
