// Puts `name.br` and `name.gz` beside every file of a folder that is worth compressing. The server
// embeds all three and answers with the one that the browser accepts, so it never compresses itself.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const COMPRESSIBLE = new Set(['.css', '.html', '.js', '.json', '.svg', '.txt', '.webmanifest']);
/** Below this a compressed copy saves less than its headers cost. */
const WORTHWHILE_BYTES = 256;

const folder = process.argv[2];
if (folder === undefined) {
  console.error('usage: node compress.mjs FOLDER');
  process.exit(2);
}

const total = { files: 0, raw: 0, br: 0, gz: 0 };
for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !COMPRESSIBLE.has(extname(entry.name))) continue;
  const path = join(entry.parentPath, entry.name);
  const raw = await readFile(path);
  if (raw.length < WORTHWHILE_BYTES) continue;
  const br = await promisify(brotliCompress)(raw, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: raw.length,
    },
  });
  const gz = await promisify(gzip)(raw, { level: constants.Z_BEST_COMPRESSION });
  await writeFile(`${path}.br`, br);
  await writeFile(`${path}.gz`, gz);
  total.files += 1;
  total.raw += raw.length;
  total.br += br.length;
  total.gz += gz.length;
}

/** @param {number} bytes */
const kb = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
console.log(
  `compressed ${total.files} files: ${kb(total.raw)}, br ${kb(total.br)}, gz ${kb(total.gz)}`,
);
