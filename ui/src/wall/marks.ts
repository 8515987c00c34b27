import type { Overlay } from 'sightwire/relay';

/** A rectangle to draw, in pixels of the canvas. */
export interface Mark {
  left: number;
  top: number;
  width: number;
  height: number;
  text: string;
  colour: string;
}

export interface Marks {
  boxes: Mark[];
  points: { x: number; y: number }[];
  lines: { from: { x: number; y: number }; to: { x: number; y: number } }[];
}

interface Size {
  width: number;
  height: number;
}

/** The colours in which the server draws, as they are on pictures. */
const COLOURS = [
  '#e69f00',
  '#56b4e9',
  '#f0e442',
  '#1db98b',
  '#d98bb8',
  '#4a9bd6',
  '#ee7a2b',
  '#c8c8c8',
] as const;

/**
 * Where things lie on a canvas of size `on`, in which a picture of size `picture` is shown as large
 * as it fits. A landmark is in shares of the picture where all of them are between 0 and 1.
 */
export function place(overlay: Overlay, picture: Size, on: Size): Marks {
  const scale = Math.min(on.width / picture.width, on.height / picture.height);
  const left = (on.width - picture.width * scale) / 2;
  const top = (on.height - picture.height * scale) / 2;
  const analysed = {
    width: overlay.width ?? picture.width,
    height: overlay.height ?? picture.height,
  };
  const x = (value: number) => left + (value / analysed.width) * picture.width * scale;
  const y = (value: number) => top + (value / analysed.height) * picture.height * scale;

  const whole = overlay.landmarks.filter((one) => Number.isFinite(one.x) && Number.isFinite(one.y));
  const shares = whole.every((one) => one.x >= 0 && one.x <= 1 && one.y >= 0 && one.y <= 1);
  const unit = shares ? analysed : { width: 1, height: 1 };
  const points = overlay.landmarks.map((one) => ({
    x: x(one.x * unit.width),
    y: y(one.y * unit.height),
  }));
  const isPlaced = (one: { x: number; y: number } | undefined) =>
    one !== undefined && Number.isFinite(one.x) && Number.isFinite(one.y);
  return {
    boxes: overlay.detections.map(({ label, confidence, box, track }) => {
      const [boxLeft, boxTop, boxRight, boxBottom] = box;
      return {
        left: x(boxLeft),
        top: y(boxTop),
        width: x(boxRight) - x(boxLeft),
        height: y(boxBottom) - y(boxTop),
        text: `${label}${track === null ? '' : ` #${track}`} ${Math.round(confidence * 100)} %`,
        colour: colourOf(track ?? hash(label)),
      };
    }),
    points: points.filter(isPlaced),
    lines: overlay.connections.flatMap(([a, b]) => {
      const [from, to] = [points[a], points[b]];
      return from !== undefined && to !== undefined && isPlaced(from) && isPlaced(to)
        ? [{ from, to }]
        : [];
    }),
  };
}

const FONT_PX = 12;
const LINE_PX = 2;

/** Draws on a canvas that is as large as it is seen; `ratio` is its pixels for one of the page. */
export function draw(on: CanvasRenderingContext2D, marks: Marks, ratio: number): void {
  on.clearRect(0, 0, on.canvas.width, on.canvas.height);
  on.lineWidth = LINE_PX * ratio;
  on.font = `600 ${FONT_PX * ratio}px system-ui, sans-serif`;
  on.textBaseline = 'top';
  on.lineJoin = 'round';
  for (const { left, top, width, height, text, colour } of marks.boxes) {
    on.strokeStyle = colour;
    on.strokeRect(left, top, width, height);
    const pad = 4 * ratio;
    const high = (FONT_PX + 6) * ratio;
    const wide = on.measureText(text).width + 2 * pad;
    // Above the box where there is room, and never beyond the edge.
    const labelTop = top >= high ? top - high : top;
    const labelLeft = Math.max(0, Math.min(left - on.lineWidth / 2, on.canvas.width - wide));
    on.fillStyle = colour;
    on.fillRect(labelLeft, labelTop, wide, high);
    on.fillStyle = '#0c0f13';
    on.fillText(text, labelLeft + pad, labelTop + 3 * ratio);
  }
  on.strokeStyle = COLOURS[1];
  for (const { from, to } of marks.lines) {
    on.beginPath();
    on.moveTo(from.x, from.y);
    on.lineTo(to.x, to.y);
    on.stroke();
  }
  on.fillStyle = COLOURS[2];
  for (const { x, y } of marks.points) {
    on.beginPath();
    on.arc(x, y, 2.5 * ratio, 0, 2 * Math.PI);
    on.fill();
  }
}

function colourOf(number: number): string {
  return COLOURS[number % COLOURS.length] ?? COLOURS[0];
}

/** The same word has the same colour each time. */
function hash(text: string): number {
  let sum = 0;
  for (const character of text) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return sum;
}
