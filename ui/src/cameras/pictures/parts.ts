const LINE_END = 10;
const MOST_HEADER_BYTES = 4096;
const MOST_PART_BYTES = 64 * 1024 * 1024;

/**
 * Takes our own server's `multipart/x-mixed-replace` apart as its bytes come in. Each part names its
 * length, so nothing is searched for and every byte is looked at once.
 */
export class Parts {
  private header = '';
  /** The part that is being filled; null while a header is read. */
  private part: Uint8Array<ArrayBuffer> | null = null;
  private filled = 0;

  /** The parts that these bytes complete, oldest first. Throws where no length is named. */
  push(bytes: Uint8Array): Uint8Array<ArrayBuffer>[] {
    const whole: Uint8Array<ArrayBuffer>[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.part === null) {
        at = this.readHeader(bytes, at);
        continue;
      }
      const taken = bytes.subarray(at, at + this.part.length - this.filled);
      this.part.set(taken, this.filled);
      this.filled += taken.length;
      at += taken.length;
      if (this.filled === this.part.length) {
        whole.push(this.part);
        this.part = null;
      }
    }
    return whole;
  }

  private readHeader(bytes: Uint8Array, from: number): number {
    let at = from;
    while (at < bytes.length) {
      const byte = bytes[at] ?? 0;
      at += 1;
      this.header += String.fromCharCode(byte);
      if (this.header.length > MOST_HEADER_BYTES)
        throw new Error('the header of a part is too long');
      if (byte !== LINE_END || !/\r?\n\r?\n$/.test(this.header)) continue;
      // The line end that closes a picture stands before the boundary of the next one.
      if (this.header.trim() === '') continue;
      const length = Number(/^content-length:\s*(\d+)\s*$/im.exec(this.header)?.[1] ?? Number.NaN);
      if (!(length > 0 && length <= MOST_PART_BYTES)) throw new Error('a part has no valid length');
      this.part = new Uint8Array(length);
      this.filled = 0;
      this.header = '';
      break;
    }
    return at;
  }
}
