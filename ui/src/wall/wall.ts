import { createViewer, type Viewer } from 'sightwire/relay';
import { paced } from './pace';
import { Painter } from './painter';
import { ownAddress } from '../base/basePath';

/** Switching tabs quickly costs nothing; a page that stays hidden frees its connection. */
const HIDDEN_MS = 10_000;

/**
 * The streams of a wall and what draws them, outside React. Runs between `start` and `stop`, and
 * rests while the page is hidden for long, is left or closed.
 */
export class Wall {
  readonly viewer: Viewer;
  readonly painter: Painter<ImageBitmap>;
  private unsubscribe: (() => void) | undefined;
  private resting: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    const { painter, viewer } = connected();
    this.viewer = viewer;
    this.painter = painter;
  }

  start(): void {
    document.addEventListener('visibilitychange', this.onVisibility);
    window.addEventListener('pagehide', this.onLeave);
    window.addEventListener('pageshow', this.onVisibility);
    this.unsubscribe = this.viewer.subscribe(this.painter.poke);
    this.onVisibility();
  }

  stop(): void {
    this.unsubscribe?.();
    document.removeEventListener('visibilitychange', this.onVisibility);
    window.removeEventListener('pagehide', this.onLeave);
    window.removeEventListener('pageshow', this.onVisibility);
    this.onLeave();
  }

  private readonly onVisibility = (): void => {
    clearTimeout(this.resting);
    if (document.hidden) {
      this.painter.sleep();
      this.resting = setTimeout(this.onLeave, HIDDEN_MS);
      return;
    }
    this.painter.wake();
    // What an administrator ended begins again only when somebody asks for it.
    if (this.viewer.snapshot().why === null) this.viewer.start();
  };

  private readonly onLeave = (): void => {
    clearTimeout(this.resting);
    if (this.viewer.snapshot().state !== 'idle') this.viewer.stop();
  };
}

function connected(): { viewer: Viewer; painter: Painter<ImageBitmap> } {
  const painter = new Painter<ImageBitmap>({
    newest: (stream) => viewer.newest(stream),
    overlay: (stream) => viewer.overlay(stream),
    decode: (jpeg) => createImageBitmap(new Blob([jpeg], { type: 'image/jpeg' })),
    close: (bitmap) => bitmap.close(),
    frame: paced(),
    nowMs: () => performance.now(),
  });
  const viewer: Viewer = createViewer({
    url: ownAddress(),
    onPicture: painter.poke,
    onOverlay: painter.poke,
  });
  return { viewer, painter };
}
