import type { TilePicture } from './useTilePicture';
import css from './TileCanvas.module.css';

interface Props {
  canvas: TilePicture['canvas'];
  /** What is shown is what is there now; what is not looks so. */
  live: boolean;
  empty: boolean;
}

/** A tile's picture. */
export function TileCanvas({ canvas, live, empty }: Props) {
  return (
    <canvas
      ref={canvas}
      className={css.canvas}
      data-live={live || undefined}
      data-empty={empty || undefined}
      width={4}
      height={3}
    />
  );
}
