// Small pictures made by hand, good and bad.

import { crc32, deflateSync } from "node:zlib";

/** A chunk of a PNG. */
export function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

export const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

function ihdr(width, height) {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  data.set([8, 2, 0, 0, 0], 8); // 8 bits, RGB
  return chunk("IHDR", data);
}

/** An RGB PNG of one grey level. */
export function png(width = 64, height = 48, level = 128) {
  const row = Buffer.alloc(1 + width * 3, level);
  row[0] = 0; // no filter
  const rows = Buffer.concat(Array(height).fill(row));
  return Buffer.concat([
    SIGNATURE,
    ihdr(width, height),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** 1 MB that claims to be 20,000 × 20,000 pixels: 1.2 GB once unpacked. */
export function pngBomb() {
  return Buffer.concat([
    SIGNATURE,
    ihdr(20_000, 20_000),
    chunk("IDAT", deflateSync(Buffer.alloc(1 << 28))),
    chunk("teXt", Buffer.alloc(700_000)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** A JPEG with other sizes in its frame header, and with comments that make it 1 MB long. */
export function jpegBomb(jpeg) {
  const bomb = Buffer.from(jpeg);
  const at = frameHeader(bomb);
  bomb.writeUInt16BE(20_000, at + 5);
  bomb.writeUInt16BE(20_000, at + 7);
  return padded(bomb, 1_000_000);
}

/** The same picture, made at least `bytes` long by comment segments after its first marker. */
export function padded(jpeg, bytes) {
  const comments = [];
  for (let missing = bytes - jpeg.length; missing > 0; missing -= 65_535) {
    const comment = Buffer.alloc(Math.min(65_533, Math.max(missing, 4)) + 2, 0x20);
    comment.set([0xff, 0xfe], 0);
    comment.writeUInt16BE(comment.length - 2, 2);
    comments.push(comment);
  }
  return Buffer.concat([jpeg.subarray(0, 2), ...comments, jpeg.subarray(2)]);
}

/** Where a JPEG's SOF marker is. */
function frameHeader(jpeg) {
  let at = 2;
  while (at < jpeg.length) {
    const marker = jpeg[at + 1];
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) return at;
    at += 2 + jpeg.readUInt16BE(at + 2);
  }
  throw new Error("a JPEG without a frame header");
}

/** A BMP of 24 bits, black. */
export function bmp(width, height) {
  const row = Math.ceil((width * 3) / 4) * 4;
  const file = Buffer.alloc(54 + row * height);
  file.write("BM");
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(54, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(height, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  return file;
}
