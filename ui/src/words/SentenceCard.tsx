import { Tooltip } from '@mantine/core';
import { useLayoutEffect, useRef } from 'react';
import { CopyButton } from '../components/CopyButton';
import { formatCount } from '../components/format';
import type { IconName } from '../components/Icon';
import { ToolButton } from '../components/ToolButton';
import { MOST_WORDS, type SentenceView, sentenceText } from './sentence';
import css from './SentenceCard.module.css';

interface Props {
  view: SentenceView;
  /** How many equal predictions in a row make a word. */
  hold: number;
  onUndo: () => void;
  onClear: () => void;
}

/** The recognised words as a sentence, in a place of fixed size: the newest are in sight. */
export function SentenceCard({ view, hold, onUndo, onClear }: Props) {
  const { words, dropped, undo } = view;
  const box = useRef<HTMLDivElement>(null);
  const newest = words.at(-1)?.id;
  useLayoutEffect(() => {
    box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [newest]);
  const empty = words.length === 0;
  return (
    <section className={`card ${css.card}`} aria-labelledby="sentence">
      <div className={css.head}>
        <h2 id="sentence" className="caption">
          Sentence
        </h2>
        <span className={`number ${css.count}`} data-testid="word-count">
          {empty ? '' : count(words.length, dropped)}
        </span>
        <div className={css.tools}>
          <Tool
            icon="undo"
            label="Undo"
            what={
              undo === null
                ? 'nothing to undo'
                : undo.kind === 'bring back'
                  ? 'restores the cleared words'
                  : `removes “${sentenceText(undo.words)}”`
            }
            disabled={undo === null}
            onClick={onUndo}
          />
          <Tool
            icon="trash"
            label="Clear"
            what="clears the sentence"
            disabled={empty}
            onClick={onClear}
          />
          <span className={css.copy}>
            <CopyButton text={() => sentenceText(words)} what="the sentence" disabled={empty} />
          </span>
        </div>
      </div>
      <div
        ref={box}
        className={css.box}
        tabIndex={0}
        role="group"
        aria-labelledby="sentence"
        data-testid="sentence"
      >
        {empty ? (
          <p className={css.empty}>
            Hold a sign until its word appears here: {hold} equal predictions in a row. Pause
            briefly before repeating the same sign.
          </p>
        ) : (
          <p className={css.words}>
            {words.map((word) => (
              <span
                key={word.id}
                className={css.word}
                data-newest={word.id === newest || undefined}
              >
                {word.text}{' '}
              </span>
            ))}
          </p>
        )}
      </div>
    </section>
  );
}

function count(words: number, dropped: number): string {
  const text = words === 1 ? '1 word' : `${formatCount(words)} words`;
  return dropped === 0 ? text : `the last ${formatCount(MOST_WORDS)} words`;
}

interface ToolProps {
  icon: IconName;
  label: string;
  what: string;
  disabled: boolean;
  onClick: () => void;
}

function Tool({ icon, label, what, disabled, onClick }: ToolProps) {
  return (
    <Tooltip label={what.charAt(0).toUpperCase() + what.slice(1)} openDelay={500}>
      <ToolButton
        icon={icon}
        disabled={disabled}
        onClick={onClick}
        aria-label={`${label}: ${what}`}
      >
        {label}
      </ToolButton>
    </Tooltip>
  );
}
