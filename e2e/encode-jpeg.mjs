// A JPEG as cameras and browsers make it: baseline, the tables of the standard's annex K, colours at half the resolution.

const ZIGZAG = [
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46,
  53, 60, 61, 54, 47, 55, 62, 63,
];
/** Steps of the values of a block in zigzag order, of brightness and of colours. */
const STEPS = [
  [
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40,
    58, 51, 61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104,
    103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
  ],
  [17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66, ...Array(50).fill(99)],
];
/** Of the first value of a block: how many codes there are of each length, and what they stand for. */
const FIRST = [
  { counts: [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], values: "000102030405060708090a0b" },
  { counts: [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], values: "000102030405060708090a0b" },
];
/** The same of the others. */
const OTHERS = [
  {
    counts: [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125],
    values:
      "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435" +
      "363738393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798" +
      "999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4" +
      "f5f6f7f8f9fa",
  },
  {
    counts: [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119],
    values:
      "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a" +
      "35363738393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a9293949596" +
      "9798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4" +
      "f5f6f7f8f9fa",
  },
];

/** [code, bits] by what it stands for. */
function codes({ counts, values }) {
  const found = [];
  let [code, at] = [0, 0];
  counts.forEach((count, length) => {
    for (let i = 0; i < count; i += 1, at += 1, code += 1) {
      found[parseInt(values.slice(2 * at, 2 * at + 2), 16)] = [code, length + 1];
    }
    code *= 2;
  });
  return found;
}

const FIRST_CODES = FIRST.map(codes);
const OTHERS_CODES = OTHERS.map(codes);

/** Cosines of the transform, row by row. */
const WAVES = Float32Array.from({ length: 64 }, (_, i) => {
  const [wave, place] = [i >> 3, i & 7];
  return (wave === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * place + 1) * wave * Math.PI) / 16);
});

/** Bits as bytes, with a zero after each byte that would begin a marker. */
class Bits {
  bytes = [];
  #held = 0;
  #count = 0;

  put(value, bits) {
    this.#held = (this.#held << bits) | value;
    this.#count += bits;
    while (this.#count >= 8) {
      const byte = (this.#held >> (this.#count - 8)) & 255;
      this.bytes.push(byte);
      if (byte === 255) this.bytes.push(0);
      this.#count -= 8;
    }
    this.#held &= (1 << this.#count) - 1;
  }

  end() {
    if (this.#count > 0) this.put((1 << (8 - this.#count)) - 1, 8 - this.#count);
  }
}

/** The kind of a value: how many bits it has; and these. */
function putValue(bits, value, codes, run) {
  const size = 32 - Math.clz32(Math.abs(value));
  const [code, length] = codes[(run << 4) | size];
  bits.put(code, length);
  if (size > 0) bits.put(value < 0 ? value + (1 << size) - 1 : value, size);
}

/** A plane's blocks, which are written one by one. */
class Plane {
  #last = 0;
  #half = new Float32Array(64);
  #found = new Int32Array(64);

  constructor(values, width, steps, table) {
    this.values = values;
    this.width = width;
    this.steps = steps;
    this.table = table;
  }

  write(bits, column, row) {
    const half = this.#half;
    for (let y = 0; y < 8; y += 1) {
      const from = (row + y) * this.width + column;
      for (let wave = 0; wave < 8; wave += 1) {
        let sum = 0;
        for (let x = 0; x < 8; x += 1) sum += WAVES[wave * 8 + x] * this.values[from + x];
        half[y * 8 + wave] = sum;
      }
    }
    for (let i = 0; i < 64; i += 1) {
      const [down, across] = [ZIGZAG[i] >> 3, ZIGZAG[i] & 7];
      let sum = 0;
      for (let y = 0; y < 8; y += 1) sum += WAVES[down * 8 + y] * half[y * 8 + across];
      this.#found[i] = Math.round(sum / this.steps[i]);
    }
    putValue(bits, this.#found[0] - this.#last, FIRST_CODES[this.table], 0);
    this.#last = this.#found[0];
    const others = OTHERS_CODES[this.table];
    let run = 0;
    for (let i = 1; i < 64; i += 1) {
      if (this.#found[i] === 0) {
        run += 1;
        continue;
      }
      for (; run > 15; run -= 16) bits.put(...others[0xf0]);
      putValue(bits, this.#found[i], others, run);
      run = 0;
    }
    if (run > 0) bits.put(...others[0]);
  }
}

function segment(marker, bytes) {
  return [0xff, marker, (bytes.length + 2) >> 8, (bytes.length + 2) & 255, ...bytes];
}

/**
 * A JPEG of a picture whose sides are multiples of 16.
 * @param {Uint8Array | Uint8ClampedArray} rgb
 * @param {number} width
 * @param {number} height
 */
export function encodeJpeg(rgb, width, height, quality = 85) {
  const percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  const steps = STEPS.map((table) =>
    table.map((step) => Math.min(255, Math.max(1, Math.floor((step * percent + 50) / 100)))),
  );
  const [brightness, blue, red] = planes(rgb, width, height);
  const parts = [
    new Plane(brightness, width, steps[0], 0),
    new Plane(blue, width / 2, steps[1], 1),
    new Plane(red, width / 2, steps[1], 1),
  ];
  const bits = new Bits();
  for (let row = 0; row < height; row += 16) {
    for (let column = 0; column < width; column += 16) {
      for (const [x, y] of [
        [0, 0],
        [8, 0],
        [0, 8],
        [8, 8],
      ]) {
        parts[0].write(bits, column + x, row + y);
      }
      for (const part of parts.slice(1)) part.write(bits, column / 2, row / 2);
    }
  }
  bits.end();
  const tables = [...FIRST, ...OTHERS].flatMap(({ counts, values }, i) => [
    [0x00, 0x01, 0x10, 0x11][i],
    ...counts,
    ...Buffer.from(values, "hex"),
  ]);
  const frame = [
    8,
    height >> 8,
    height & 255,
    width >> 8,
    width & 255,
    3,
    1,
    0x22,
    0,
    2,
    0x11,
    1,
    3,
    0x11,
    1,
  ];
  return Buffer.from([
    ...[0xff, 0xd8],
    ...segment(0xe0, [...Buffer.from("JFIF\0"), 1, 1, 0, 0, 1, 0, 1, 0, 0]),
    ...segment(0xdb, [0, ...steps[0], 1, ...steps[1]]),
    ...segment(0xc0, frame),
    ...segment(0xc4, tables),
    ...segment(0xda, [3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0]),
    ...bits.bytes,
    ...[0xff, 0xd9],
  ]);
}

/** Brightness, and blue and red relative to it at half the width and height; around 0. */
function planes(rgb, width, height) {
  const brightness = new Float32Array(width * height);
  const blue = new Float32Array(brightness.length / 4);
  const red = new Float32Array(brightness.length / 4);
  for (let i = 0; i < brightness.length; i += 1) {
    const [r, g, b] = [rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]];
    const y = 0.299 * r + 0.587 * g + 0.114 * b;
    brightness[i] = y - 128;
    const [column, row] = [i % width, Math.floor(i / width)];
    const half = (row >> 1) * (width / 2) + (column >> 1);
    blue[half] += ((b - y) * 0.5) / 0.886 / 4;
    red[half] += ((r - y) * 0.5) / 0.701 / 4;
  }
  return [brightness, blue, red];
}
