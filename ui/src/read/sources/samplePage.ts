/** An A4 page at 150 dots an inch. */
const WIDTH = 1240;
const HEIGHT = 1754;
const MARGIN = 110;
const INK = '#1d2126';
const SERIF = 'Georgia, "DejaVu Serif", "Times New Roman", serif';
const SANS = 'Helvetica, Arial, "DejaVu Sans", sans-serif';

const LEFT = [
  'The keeper climbs one hundred and',
  'twelve steps twice a day. At dusk the',
  'lamp is lit, at dawn the lenses are',
  'wiped with a linen cloth, and the oil',
  'that was burnt is written down.',
  '',
  'In fog the bell is struck every thirty',
  'seconds. Ships answer with one long',
  'blast; the time is noted beside the',
  'bearing, to the nearest degree.',
];
const RIGHT = [
  'Visitors are welcome on Tuesdays',
  'from 10:00 to 16:30. Children under',
  'twelve go up with an adult.',
  '',
  'Please do not touch the glass. It was',
  'ground in 1874, and no workshop is',
  'left that could make it again.',
  '',
  'Telephone: +44 1632 960 158',
  'Write to: keeper@lighthouse.example',
];
const TABLE = [
  ['Month', 'Nights lit', 'Oil (litres)', 'Fog hours', 'Ships'],
  ['January', '31', '248.5', '61', '402'],
  ['February', '28', '219.0', '74', '377'],
  ['March', '31', '226.3', '48', '455'],
  ['April', '30', '187.9', '33', '508'],
  ['May', '31', '161.2', '19', '561'],
] as const;

/** A page to try the reader on, drawn here: headings, two columns, a table, small print, a stamp. */
export async function samplePage(): Promise<File> {
  const canvas = document.createElement('canvas');
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('this browser cannot draw on a canvas');
  draw(context);
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/png'));
  if (blob === null) throw new Error('the page could not be drawn');
  return new File([blob], 'sample-page.png', { type: 'image/png' });
}

function draw(context: CanvasRenderingContext2D): void {
  context.fillStyle = '#fdfcf8';
  context.fillRect(0, 0, WIDTH, HEIGHT);
  context.fillStyle = INK;
  context.textBaseline = 'alphabetic';
  const write = (text: string, x: number, y: number, font: string) => {
    context.font = font;
    context.fillText(text, x, y);
  };

  write('THE LIGHTHOUSE GAZETTE', MARGIN, 150, `700 64px ${SERIF}`);
  write('Number 42', MARGIN, 205, `italic 30px ${SERIF}`);
  write('21 November 2026', 850, 205, `italic 30px ${SERIF}`);
  context.fillRect(MARGIN, 235, WIDTH - 2 * MARGIN, 4);

  write('A year beside the lamp', MARGIN, 320, `700 46px ${SERIF}`);
  LEFT.forEach((line, n) => write(line, MARGIN, 400 + n * 44, `27px ${SERIF}`));
  RIGHT.forEach((line, n) => write(line, 655, 400 + n * 44, `27px ${SERIF}`));

  write('The lamp in numbers', MARGIN, 925, `700 38px ${SERIF}`);
  const columns = [MARGIN, 330, 545, 770, 980];
  TABLE.forEach((row, n) => {
    const y = 1000 + n * 54;
    row.forEach((cell, column) =>
      write(cell, columns[column] ?? MARGIN, y, `${n === 0 ? 700 : 400} 28px ${SANS}`),
    );
    context.fillRect(MARGIN, y + 16, WIDTH - 2 * MARGIN, n === 0 ? 3 : 1);
  });

  stamp(context);

  write(
    'Ticket no. 0093-7715-X',
    MARGIN,
    1460,
    `30px "DejaVu Sans Mono", Menlo, Consolas, monospace`,
  );
  write('Total: £ 18.40', MARGIN, 1520, `700 40px ${SANS}`);
  context.fillStyle = '#6d737b';
  write(
    'Small print: tickets are valid on the day of issue only and cannot be exchanged.',
    MARGIN,
    1640,
    `19px ${SANS}`,
  );
  context.fillStyle = '#b9bdc2';
  write('Printed on the island, 300 copies.', MARGIN, 1676, `19px ${SANS}`);
}

/** Turned text, in another colour. */
function stamp(context: CanvasRenderingContext2D): void {
  context.save();
  context.translate(905, 1480);
  context.rotate(-0.21);
  context.strokeStyle = '#a3262a';
  context.fillStyle = '#a3262a';
  context.lineWidth = 5;
  context.strokeRect(-190, -66, 380, 132);
  context.textAlign = 'center';
  context.font = `700 52px ${SANS}`;
  context.fillText('ADMIT ONE', 0, 2);
  context.font = `28px ${SANS}`;
  context.fillText('EAST TOWER', 0, 44);
  context.restore();
}
