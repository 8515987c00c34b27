import type { HandSight, SeenHand } from 'sightwire/api';

/** Pairs of joints between which a hand is drawn: the fingers, and the edge of the palm. */
const BONES: readonly (readonly [number, number])[] = [
  [0, 1],
  [1, 2],
  [2, 3],
  [3, 4],
  [0, 5],
  [5, 6],
  [6, 7],
  [7, 8],
  [5, 9],
  [9, 10],
  [10, 11],
  [11, 12],
  [9, 13],
  [13, 14],
  [14, 15],
  [15, 16],
  [13, 17],
  [0, 17],
  [17, 18],
  [18, 19],
  [19, 20],
];
/** Wrist, and the knuckles of index and little finger: the palm. */
const PALM = [0, 5, 17] as const;
/** So long a hand stays armed that does nothing. */
const ARMED_MS = 3000;

export interface HandColours {
  bone: string;
  edge: string;
  ring: string;
  armed: string;
}

type Point = readonly [number, number];

function at(hand: SeenHand, joint: number): Point {
  const [x = 0, y = 0] = hand.points[joint] ?? [];
  return [x, y];
}

/** Middle of the palm, and how far it is from there to the wrist, in pixels of the frame. */
export function palmOf(hand: SeenHand): { middle: Point; radius: number } {
  const points = PALM.map((joint) => at(hand, joint));
  const mean = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const middle: Point = [mean(0), mean(1)];
  const wrist = at(hand, 0);
  return { middle, radius: Math.hypot(wrist[0] - middle[0], wrist[1] - middle[1]) };
}

/** How much of the ring is closed, 0 to 1: it fills while a palm arms, and empties while it is armed. */
export function ringOf(hand: SeenHand): { share: number; armed: boolean } {
  if (hand.armed_ms > 0) return { share: Math.min(hand.armed_ms / ARMED_MS, 1), armed: true };
  return { share: hand.arming, armed: false };
}

/** Draws hands and shoulders over a picture of `width` × `height` pixels on the screen. */
export function drawHands(
  context: CanvasRenderingContext2D,
  sight: HandSight | null,
  size: { width: number; height: number },
  colours: HandColours,
): void {
  context.clearRect(0, 0, size.width, size.height);
  if (sight === null || sight.width === 0 || sight.height === 0) return;
  const scale = Math.max(size.width / sight.width, size.height / sight.height);
  const left = (size.width - sight.width * scale) / 2;
  const top = (size.height - sight.height * scale) / 2;
  const place = ([x, y]: Point): Point => [left + x * scale, top + y * scale];
  const drawing: Drawing = { context, place, scale, colours };
  const [first] = sight.hands;
  if (sight.shoulders !== null && first !== undefined) {
    const { left: one, right: other } = sight.shoulders;
    drawBones(drawing, [one, other], [[0, 1]], thickness(first, scale));
  }
  for (const hand of sight.hands) drawHand(drawing, hand);
}

/** Where points of the frame are on the screen, how much larger, and in which colours. */
interface Drawing {
  context: CanvasRenderingContext2D;
  place: (point: Point) => Point;
  scale: number;
  colours: HandColours;
}

/** Of a hand's lines, in pixels of the screen. */
function thickness(hand: SeenHand, scale: number): number {
  return Math.min(Math.max(palmOf(hand).radius * scale * 0.07, 2), 6);
}

function drawBones(
  { context, place, colours }: Drawing,
  joints: readonly Point[],
  bones: readonly (readonly [number, number])[],
  width: number,
): void {
  const places = joints.map(place);
  const stroke = (wide: number, colour: string) => {
    context.lineCap = 'round';
    context.lineWidth = wide;
    context.strokeStyle = colour;
    context.beginPath();
    for (const [from, to] of bones) {
      context.moveTo(...(places[from] ?? [0, 0]));
      context.lineTo(...(places[to] ?? [0, 0]));
    }
    context.stroke();
  };
  // A dark edge, or the lines vanish on a bright wall.
  stroke(width + 2.5, colours.edge);
  stroke(width, colours.bone);
  context.fillStyle = colours.bone;
  for (const [x, y] of places) {
    context.beginPath();
    context.arc(x, y, width, 0, 2 * Math.PI);
    context.fill();
  }
}

function drawHand(drawing: Drawing, hand: SeenHand): void {
  const { context, place, scale, colours } = drawing;
  const thick = thickness(hand, scale);
  const joints = hand.points.map((_, joint) => at(hand, joint));
  drawBones(drawing, joints, BONES, thick);
  const { share, armed } = ringOf(hand);
  if (share === 0) return;
  const { middle, radius } = palmOf(hand);
  const [x, y] = place(middle);
  const ring = (width: number, colour: string, part: number) => {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.beginPath();
    context.arc(x, y, radius * scale * 1.5, -Math.PI / 2, -Math.PI / 2 + part * 2 * Math.PI);
    context.stroke();
  };
  ring(thick * 2.5 + 2, colours.edge, 1);
  ring(thick * 2.5, armed ? colours.armed : colours.ring, share);
}
