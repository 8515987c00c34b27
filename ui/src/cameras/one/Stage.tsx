import { ActionIcon, Tooltip } from '@mantine/core';
import { type ReactNode, useCallback, useRef } from 'react';
import { toggleFullScreen } from '../../components/fullScreen';
import { Icon } from '../../components/Icon';
import { StateBadge } from '../../components/StateBadge';
import type { LivePicture, LiveView } from '../pictures/livePicture';
import type { StreamWords } from '../state/streamWords';
import css from './Stage.module.css';

interface Props {
  name: string;
  picture: LivePicture;
  live: LiveView;
  words: StreamWords;
  /** Width by height, as far as it is known. */
  shape: number;
  children?: ReactNode;
}

/** The large picture with its state; what is not live looks so. */
export function Stage({ name, picture, live, words, shape, children }: Props) {
  const stage = useRef<HTMLElement>(null);
  const { attach } = picture;
  const canvas = useCallback(
    (element: HTMLCanvasElement | null) => {
      attach(element);
      return () => attach(null);
    },
    [attach],
  );
  const hasPicture = live.ageMs !== null;
  const { banner, text } = words;
  return (
    <section
      ref={stage}
      className={css.stage}
      aria-label="Video"
      style={{ aspectRatio: shape }}
      data-live={words.live || undefined}
      data-testid="stage"
    >
      <canvas
        ref={canvas}
        className={css.canvas}
        width={4}
        height={3}
        role="img"
        aria-label={`Video from ${name}`}
        hidden={!hasPicture}
        data-testid="picture"
      />
      <div className={css.badge}>
        <StateBadge
          tone={words.tone}
          icon={words.icon}
          word={words.word}
          data-testid="camera-state"
        />
      </div>
      <div className={css.corner}>
        {children}
        <Tooltip label="Full screen">
          <ActionIcon
            variant="filled"
            className={css.button}
            onClick={() => toggleFullScreen(stage.current)}
            aria-label="Full screen"
          >
            <Icon name="expand" />
          </ActionIcon>
        </Tooltip>
      </div>
      {(banner ?? text) !== null && (
        <p className={css.note} data-empty={!hasPicture || undefined} data-testid="camera-note">
          {hasPicture && banner !== null && <strong>{banner}. </strong>}
          {text}
        </p>
      )}
    </section>
  );
}
