import { useEffect, useState } from 'react';
import { copyText } from './copy';
import { ToolButton } from './ToolButton';

interface Props {
  /** What is copied; a function where it is known only at the click. */
  text: string | (() => string);
  /** What is copied, in words, for screen readers. */
  what: string;
  label?: string;
  disabled?: boolean;
}

export function CopyButton({ text, what, label = 'Copy', disabled = false }: Props) {
  const [state, setState] = useState<'ready' | 'done' | 'failed'>('ready');
  useEffect(() => {
    if (state === 'ready') return;
    const timer = setTimeout(() => setState('ready'), 2000);
    return () => clearTimeout(timer);
  }, [state]);

  const copy = () =>
    void copyText(typeof text === 'string' ? text : text()).then((done) =>
      setState(done ? 'done' : 'failed'),
    );
  const word = { ready: label, done: 'Copied', failed: 'Not allowed' }[state];
  return (
    <ToolButton
      icon={state === 'done' ? 'check' : 'copy'}
      onClick={copy}
      disabled={disabled}
      aria-label={`${word}: ${what}`}
    >
      <span aria-live="polite">{word}</span>
    </ToolButton>
  );
}
