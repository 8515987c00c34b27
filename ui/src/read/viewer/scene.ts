import type { Point } from './geometry';
import { GridIndex } from './gridIndex';
import { drawMark, drawOutlines, drawTexts, type Outline, outlinesOf, type Shown } from './paint';
import { levelFor, type Picture } from './picture';
import {
  between,
  closeUp,
  fit,
  fitInto,
  fitScale,
  kept,
  reveal,
  scaleBounds,
  sight,
  type Size,
  toPicture,
  type View,
  zoomAt,
} from './zoom';

/** More lines than this have their text drawn only when the picture rests. */
const TEXTS_WHILE_MOVING = 120;
const REST_MS = 120;
const GLIDE_MS = 180;
const PAPER = '#fbfbf9';

export interface Look {
  texts: boolean;
  outlines: boolean;
  /** Where there is no picture, a sheet of paper holds the text. */
  paper: boolean;
}

interface Compared {
  picture: Picture;
  /** Where the border is, 0 to 1 of the stage's width. */
  at: number;
}

/**
 * The picture with what was read in it, on two canvases: the lower one holds the picture and all
 * outlines and is drawn when the view changes, the upper one holds the marks and is drawn when the
 * pointer moves. At most once a frame each; what is not in sight is not drawn.
 */
export class Scene {
  private readonly low: CanvasRenderingContext2D | null;
  private readonly high: CanvasRenderingContext2D | null;
  private stage: Size = { width: 1, height: 1 };
  private ratio = 1;
  private size: Size = { width: 1, height: 1 };
  private current: View = { left: 0, top: 0, scale: 1 };
  /** It follows the stage's size until somebody moves it. */
  private fitted = true;
  private picture: Picture | null = null;
  private compared: Compared | null = null;
  private lines: readonly Shown[] = [];
  private outlines: readonly Outline[] = [];
  private grid = new GridIndex([], 1, 1);
  private look: Look = { texts: false, outlines: true, paper: false };
  private hovered: number | null = null;
  private selected: number | null = null;
  private frame = 0;
  private stale = { low: false, high: false };
  private movedMs = 0;
  private glide: { from: View; to: View; startMs: number } | null = null;
  private rest: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly canvases: readonly [low: HTMLCanvasElement, high: HTMLCanvasElement],
    private readonly onView: (view: View, fitted: boolean) => void,
  ) {
    this.low = canvases[0].getContext('2d', { alpha: false });
    this.high = canvases[1].getContext('2d');
  }

  get view(): View {
    return this.current;
  }

  get stageSize(): Size {
    return this.stage;
  }

  /** The stage has this many CSS px, each of them `ratio` px of the screen. */
  resize(stage: Size, ratio: number): void {
    this.stage = stage;
    this.ratio = ratio;
    for (const canvas of this.canvases) {
      canvas.width = Math.max(1, Math.round(stage.width * ratio));
      canvas.height = Math.max(1, Math.round(stage.height * ratio));
    }
    this.place(this.fitted ? fit(this.size, stage) : this.current, this.fitted);
    // A canvas that was resized is empty: an empty frame would flicker.
    this.draw();
  }

  /** Another picture with this many px in the original; it is shown whole. */
  open(size: Size): void {
    this.size = size;
    this.picture = null;
    this.compared = null;
    this.place(fit(size, this.stage), true);
  }

  /** The pixels have come; null: there are none. */
  setPicture(picture: Picture | null): void {
    this.picture = picture;
    this.wish('low');
  }

  setCompared(compared: Compared | null): void {
    this.compared = compared;
    this.wish('low');
  }

  setLines(lines: readonly Shown[]): void {
    this.lines = lines;
    this.outlines = outlinesOf(lines);
    const polygons = lines.map(({ polygon }) => polygon);
    this.grid = new GridIndex(polygons, this.size.width, this.size.height);
    this.wish('low', 'high');
  }

  setLook(look: Look): void {
    this.look = look;
    this.wish('low');
  }

  setMarks(hovered: number | null, selected: number | null): void {
    if (hovered === this.hovered && selected === this.selected) return;
    this.hovered = hovered;
    this.selected = selected;
    this.wish('high');
  }

  /** The line at a point of the stage. */
  at(point: Point): number | null {
    return this.grid.at(toPicture(this.current, point), 4 / this.current.scale);
  }

  panBy(dx: number, dy: number): void {
    const { left, top, scale } = this.current;
    this.place({ left: left + dx, top: top + dy, scale }, false);
  }

  zoomBy(factor: number, point: Point = this.middle(), glides = false): void {
    const from = this.glide?.to ?? this.current;
    this.go(zoomAt(from, point, factor, this.bounds()), glides);
  }

  /** One px of the original for each px of the page. */
  zoomTo(scale: number): void {
    this.go(zoomAt(this.current, this.middle(), scale / this.current.scale, this.bounds()), true);
  }

  fit(): void {
    this.go(fit(this.size, this.stage), true, true);
  }

  isFitted(): boolean {
    return Math.abs(this.current.scale / fitScale(this.size, this.stage) - 1) < 1e-3;
  }

  /** Brings a line into sight; `near`: so that it can be read. */
  show(n: number, near: boolean): void {
    const box = this.grid.bounds[n];
    if (box === undefined) return;
    const to = near
      ? closeUp(box, this.current, this.stage, this.bounds())
      : reveal(box, this.current, this.stage);
    if (to !== this.current) this.go(to, true);
  }

  close(): void {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.rest);
  }

  private middle(): Point {
    return [this.stage.width / 2, this.stage.height / 2];
  }

  private bounds(): [number, number] {
    return scaleBounds(this.size, this.stage);
  }

  private go(to: View, glides: boolean, fitted = false): void {
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    if (!glides || calm) {
      this.place(to, fitted);
      return;
    }
    this.fitted = fitted;
    const target = kept(to, this.size, this.stage);
    this.glide = { from: this.current, to: target, startMs: performance.now() };
    this.wish('low', 'high');
  }

  private place(view: View, fitted: boolean): void {
    this.glide = null;
    this.fitted = fitted;
    this.moved(kept(view, this.size, this.stage));
    this.wish('low', 'high');
  }

  private moved(view: View): void {
    this.current = view;
    this.movedMs = performance.now();
    this.onView(view, this.fitted);
  }

  private wish(...what: ('low' | 'high')[]): void {
    for (const one of what) this.stale[one] = true;
    if (this.frame === 0) this.frame = requestAnimationFrame(this.onFrame);
  }

  private readonly onFrame = (nowMs: number): void => {
    this.frame = 0;
    const { glide } = this;
    if (glide !== null) {
      const part = Math.min(1, Math.max(0, (nowMs - glide.startMs) / GLIDE_MS));
      // Slower towards the end.
      this.moved(between(glide.from, glide.to, 1 - (1 - part) ** 3));
      if (part === 1) this.glide = null;
      this.wish('low', 'high');
    }
    this.draw();
  };

  private draw(): void {
    if (this.stale.low) this.drawLow();
    if (this.stale.high) this.drawHigh();
    this.stale = { low: this.glide !== null, high: this.glide !== null };
  }

  private drawLow(): void {
    const { low: context, current: view, look } = this;
    if (context === null) return;
    const { width, height } = this.canvases[0];
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = getComputedStyle(this.canvases[0]).backgroundColor;
    context.fillRect(0, 0, width, height);
    this.drawPicture(context, this.picture, this.size);
    const inSight = this.grid.within(sight(view, this.stage));
    if (this.compared !== null) {
      // What was read belongs to the picture before its preparation.
      context.save();
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.beginPath();
      context.rect(0, 0, this.compared.at * width, height);
      context.clip();
    }
    this.toPicture(context);
    const unit = 1 / view.scale;
    if (look.outlines) drawOutlines(context, this.outlines, inSight, unit);
    const many = inSight.length > TEXTS_WHILE_MOVING;
    const moves = performance.now() - this.movedMs < REST_MS;
    if (look.texts || this.picture === null) {
      if (!many || !moves) drawTexts(context, this.lines, inSight, unit, this.picture !== null);
      else this.drawAtRest();
    }
    if (this.compared === null) return;
    context.restore();
    this.drawCompared(context, this.compared);
  }

  private drawAtRest(): void {
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.wish('low'), REST_MS);
  }

  private drawHigh(): void {
    const { high: context, hovered, selected } = this;
    if (context === null) return;
    const { width, height } = this.canvases[1];
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    if (this.compared !== null) return;
    this.toPicture(context);
    const unit = 1 / this.current.scale;
    for (const [n, strong] of [
      [hovered, false],
      [selected, true],
    ] as const) {
      const line = n === null ? undefined : this.lines[n];
      if (line !== undefined) drawMark(context, line, unit, strong);
    }
  }

  /** From here on, one unit is a px of the original. */
  private toPicture(context: CanvasRenderingContext2D): void {
    const { left, top, scale } = this.current;
    const { ratio } = this;
    context.setTransform(scale * ratio, 0, 0, scale * ratio, left * ratio, top * ratio);
  }

  private drawPicture(
    context: CanvasRenderingContext2D,
    picture: Picture | null,
    size: Size,
  ): void {
    this.toPicture(context);
    const level = levelFor(picture?.levels ?? [], size.width * this.current.scale * this.ratio);
    if (level === undefined) {
      if (!this.look.paper) return;
      context.fillStyle = PAPER;
      context.fillRect(0, 0, size.width, size.height);
      return;
    }
    // Near enough, single pixels are what one wants to see.
    context.imageSmoothingEnabled = this.current.scale < 4;
    context.imageSmoothingQuality = 'low';
    context.drawImage(level, 0, 0, size.width, size.height);
  }

  private drawCompared(context: CanvasRenderingContext2D, { picture, at }: Compared): void {
    const { width, height } = this.canvases[0];
    const border = Math.round(at * width);
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.beginPath();
    context.rect(border, 0, width - border, height);
    context.clip();
    context.fillStyle = getComputedStyle(this.canvases[0]).backgroundColor;
    context.fillRect(border, 0, width - border, height);
    this.toPicture(context);
    const { levels } = picture;
    const [largest] = levels;
    if (largest !== undefined) {
      // What was straightened has another form; its middle is where that of the original is.
      const size = fitInto(largest, this.size);
      const level = levelFor(levels, size.width * this.current.scale * this.ratio) ?? largest;
      const left = (this.size.width - size.width) / 2;
      const top = (this.size.height - size.height) / 2;
      context.imageSmoothingEnabled = this.current.scale < 4;
      context.drawImage(level, left, top, size.width, size.height);
    }
    context.restore();
  }
}
