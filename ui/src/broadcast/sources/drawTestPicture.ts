import { lettersOf } from '../../components/letters';

/** Drawn on a picture of this width, and scaled to the one that is wanted. */
const WIDTH = 1280;
const HEIGHT = 720;

const BARS = ['#e8e8e8', '#e6c229', '#2bb3c0', '#43a047', '#c2417c', '#d1432f', '#3155c6'];
const FONT = 'system-ui, sans-serif';
const BAR_HEIGHT = 96;
const BALL_PX = 64;

/**
 * A picture in which a still, a late and a missing one show at once: a ball on its way, a hand that
 * turns once a second, the time in tenths.
 */
export function drawTestPicture(
  canvas: HTMLCanvasElement,
  name: string,
  seconds: number,
  now: Date,
): void {
  const context = canvas.getContext('2d', { alpha: false });
  if (context === null) return;
  context.setTransform(canvas.width / WIDTH, 0, 0, canvas.height / HEIGHT, 0, 0);
  drawGround(context);
  drawBall(context, seconds);
  drawHand(context, now);
  drawWords(context, name, now);
}

function drawGround(context: CanvasRenderingContext2D): void {
  context.fillStyle = '#18202b';
  context.fillRect(0, 0, WIDTH, HEIGHT);
  context.strokeStyle = '#263243';
  context.lineWidth = 2;
  context.beginPath();
  for (let x = 80; x < WIDTH; x += 80) {
    context.moveTo(x, 0);
    context.lineTo(x, HEIGHT);
  }
  for (let y = 72; y < HEIGHT; y += 80) {
    context.moveTo(0, y);
    context.lineTo(WIDTH, y);
  }
  context.stroke();
  const width = WIDTH / BARS.length;
  BARS.forEach((colour, n) => {
    context.fillStyle = colour;
    context.fillRect(n * width, HEIGHT - BAR_HEIGHT, width + 1, BAR_HEIGHT);
  });
}

function drawBall(context: CanvasRenderingContext2D, seconds: number): void {
  const at = (time: number): [x: number, y: number] => [
    WIDTH / 2 + (WIDTH / 2 - BALL_PX - 40) * Math.sin(time * 0.9),
    300 + 190 * Math.sin(time * 1.7),
  ];
  context.lineCap = 'round';
  context.lineWidth = 6;
  context.strokeStyle = '#f28c3855';
  context.beginPath();
  for (let back = 24; back >= 0; back -= 1) context.lineTo(...at(seconds - back / 30));
  context.stroke();
  context.fillStyle = '#f28c38';
  context.beginPath();
  context.arc(...at(seconds), BALL_PX, 0, 2 * Math.PI);
  context.fill();
}

function drawHand(context: CanvasRenderingContext2D, now: Date): void {
  const angle = (now.getMilliseconds() / 1000) * 2 * Math.PI - Math.PI / 2;
  const [x, y, radius] = [WIDTH - 150, 150, 88];
  context.lineWidth = 8;
  context.strokeStyle = '#8fa0b8';
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.stroke();
  context.strokeStyle = '#e8edf5';
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + radius * 0.8 * Math.cos(angle), y + radius * 0.8 * Math.sin(angle));
  context.stroke();
}

function drawWords(context: CanvasRenderingContext2D, name: string, now: Date): void {
  const two = (value: number) => String(value).padStart(2, '0');
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(':');
  // The corner above is left to whoever shows a state there.
  context.textBaseline = 'alphabetic';
  context.fillStyle = '#a9b6c9';
  context.font = `400 34px ${FONT}`;
  context.fillText('Sightwire test pattern', 64, 338, 760);
  context.fillStyle = '#e8edf5';
  context.font = `600 52px ${FONT}`;
  context.fillText(shortened(context, name, 900), 64, 408);
  context.font = `700 132px ${FONT}`;
  context.fillText(`${time}.${Math.floor(now.getMilliseconds() / 100)}`, 56, 556, 900);
}

/** The name that was shortened last: it is the same in every picture of a stream. */
let last = { name: '', shown: '' };

/** As much of a name as there is room for, in the font that is set. */
function shortened(context: CanvasRenderingContext2D, name: string, width: number): string {
  if (last.name === name) return last.shown;
  const letters = lettersOf(name);
  let shown = name;
  while (letters.length > 1 && context.measureText(shown).width > width) {
    letters.pop();
    shown = `${letters.join('')}…`;
  }
  last = { name, shown };
  return shown;
}
