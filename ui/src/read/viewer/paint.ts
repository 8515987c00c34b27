import type { Polygon } from './geometry';
import { LOOKS, type Sureness, sureness, SURENESS } from './confidence';
import { layOf } from './geometry';

/** A line as it stands on the picture. */
export interface Shown {
  polygon: Polygon;
  text: string;
  confidence: number;
}

export interface Outline {
  path: Path2D;
  sureness: Sureness;
}

/** In px of the page. */
const OUTLINE_PX = 1.5;
const MARK_PX = 2.5;
/** On the picture, and where there is only the text. */
const LEAST_TEXT_PX = 7;
const LEAST_ALONE_PX = 3;
const FONT = 'ui-sans-serif, system-ui, "Noto Sans", "DejaVu Sans", sans-serif';

export function outlinesOf(lines: readonly Shown[]): Outline[] {
  return lines.map(({ polygon, confidence }) => ({
    path: pathOf(polygon),
    sureness: sureness(confidence),
  }));
}

function pathOf(polygon: Polygon): Path2D {
  const path = new Path2D();
  polygon.forEach(([x, y], n) => {
    if (n === 0) path.moveTo(x, y);
    else path.lineTo(x, y);
  });
  path.closePath();
  return path;
}

/** `unit` is a px of the page, in px of the picture. All of one look are drawn in one go. */
export function drawOutlines(
  context: CanvasRenderingContext2D,
  outlines: readonly Outline[],
  which: readonly number[],
  unit: number,
): void {
  for (const look of SURENESS) {
    const together = new Path2D();
    for (const n of which) {
      const outline = outlines[n];
      if (outline?.sureness === look) together.addPath(outline.path);
    }
    const { stroke, fill, dash } = LOOKS[look];
    context.fillStyle = fill;
    context.fill(together);
    context.strokeStyle = stroke;
    context.lineWidth = OUTLINE_PX * unit;
    context.setLineDash(dash.map((part) => part * unit));
    context.stroke(together);
  }
  context.setLineDash([]);
}

/** A line that is pointed at or chosen. */
export function drawMark(
  context: CanvasRenderingContext2D,
  { polygon, confidence }: Shown,
  unit: number,
  strong: boolean,
): void {
  const path = pathOf(polygon);
  const { stroke } = LOOKS[sureness(confidence)];
  context.lineJoin = 'round';
  context.strokeStyle = '#ffffff';
  context.lineWidth = (MARK_PX + 2) * unit;
  context.stroke(path);
  context.strokeStyle = strong ? '#14181f' : stroke;
  context.lineWidth = MARK_PX * unit;
  context.stroke(path);
  context.globalAlpha = strong ? 0.14 : 0.1;
  context.fillStyle = stroke;
  context.fill(path);
  context.globalAlpha = 1;
}

/** The text where it was read, as large as it stands there; too small a text is left out. */
export function drawTexts(
  context: CanvasRenderingContext2D,
  lines: readonly Shown[],
  which: readonly number[],
  unit: number,
  covers: boolean,
): void {
  context.textBaseline = 'middle';
  for (const n of which) {
    const line = lines[n];
    if (line === undefined) continue;
    const { start, width, height, radians } = layOf(line.polygon);
    // Drawn in px of the page, because browsers round the size of a font.
    const size = (height * 0.72) / unit;
    if (size < (covers ? LEAST_TEXT_PX : LEAST_ALONE_PX)) continue;
    context.save();
    context.translate(start[0], start[1]);
    context.rotate(radians);
    context.scale(unit, unit);
    if (covers) {
      context.fillStyle = 'rgb(255 255 255 / 92%)';
      context.fillRect(0, 0, width / unit, height / unit);
    }
    context.font = `${size.toFixed(1)}px ${FONT}`;
    context.fillStyle = '#14181f';
    context.fillText(line.text, 0, height / 2 / unit, width / unit);
    context.restore();
  }
}
