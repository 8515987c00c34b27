// Text in pictures: one at a time in every format, and batches from the upload to the export.

import { inflateRawSync } from "node:zlib";

import { start, until } from "../harness.mjs";
import { png } from "../pictures.mjs";
import { FLOAT, INT, TIME, masked, rules, text } from "./mask.mjs";
import { ALIKE, flags, folder, page, store } from "./store.mjs";
import { Events, PATIENCE_MS, ask, eventShown, exchange, look } from "./wire.mjs";

const POST = "POST /api/v1/read";
const JOBS = "/api/v1/jobs";
/** What the arithmetic of a CPU decides, and what is measured. */
export const MASKS = rules({
  polygon: FLOAT,
  "confidence mean_confidence skew regions.characters": FLOAT,
  "wait decode prepare detect recognise total ms files_per_s left_s": FLOAT,
  id: text(/^[0-9a-zA-Z_-]{8,}$/, "<id>"),
  created: TIME,
});
const PAGE = page();
/** The same in other words of one line, so that files of a batch differ. */
const OTHER = page(["HELLO"]);
const SHORT = { shows: "(the page)", body: PAGE };
/** Reading gives way to all else on a machine; so no more is read than has to be. */
const SMALL = "max_side=128";

/** A form with these parts: [name, file name or undefined, content, type]. */
function form(...parts) {
  const boundary = "golden";
  const pieces = parts.flatMap(([name, file, content, type]) => [
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"`,
    file === undefined ? "" : `; filename="${file}"`,
    type ? `\r\nContent-Type: ${type}` : "",
    "\r\n\r\n",
    content,
    "\r\n",
  ]);
  const body = Buffer.concat([...pieces, `--${boundary}--\r\n`].map((piece) => Buffer.from(piece)));
  const shows = `(a form: ${parts.map(([name, file]) => (file === undefined ? name : `${name} ${JSON.stringify(file)}`)).join(", ")})`;
  return { body, shows, headers: { "Content-Type": `multipart/form-data; boundary=${boundary}` } };
}

/** CSV: the columns from the confidence on are numbers. */
export const csvShown = (body) =>
  body.toString().replace(/,(?:-?\d+(?:\.\d+)?,){8}-?\d+(?:\.\d+)?(?=\r?$)/gm, ",<9 numbers>");
/** hOCR: the numbers in titles. */
export const hocrShown = (body) =>
  body.toString().replace(/\b(bbox|poly|x_wconf|textangle)((?: -?\d+(?:\.\d+)?)+)/g, (_, name, numbers) => {
    const count = numbers.trim().split(" ").length;
    return `${name} <${count} numbers>`;
  });
const pngShown = (body) => {
  const isPng = body.subarray(1, 4).toString() === "PNG";
  return isPng ? `(a PNG of ${body.readUInt32BE(16)}x${body.readUInt32BE(20)})` : body.toString();
};
export const linesShown = (body) =>
  body
    .toString()
    .split("\n")
    .map((line) => (line.startsWith("{") ? masked(line, MASKS) : line))
    .join("\n");

/** The files of a zip, by its central directory: name, and content as it is shown. */
function zipShown(body, shows) {
  const end = body.lastIndexOf("PK\x05\x06");
  let at = body.readUInt32LE(end + 16);
  const files = [];
  for (let i = 0; i < body.readUInt16LE(end + 10); i += 1) {
    const [method, packed] = [body.readUInt16LE(at + 10), body.readUInt32LE(at + 20)];
    const [name, extra, comment] = [28, 30, 32].map((offset) => body.readUInt16LE(at + offset));
    const local = body.readUInt32LE(at + 42);
    const start = local + 30 + body.readUInt16LE(local + 26) + body.readUInt16LE(local + 28);
    const bytes = body.subarray(start, start + packed);
    const content = method === 8 ? inflateRawSync(bytes) : bytes;
    files.push(
      `(in the zip, method ${method}: ${body.toString("utf8", at + 46, at + 46 + name)})\n${shows(content)}`,
    );
    at += 46 + name + extra + comment;
  }
  return files.join("\n");
}

/** @import { Job } from "../types.ts" */

class Scene {
  constructor(server, section) {
    this.server = server;
    this.section = section;
  }

  ask(request, options = {}) {
    return exchange(this.section, this.server, request, { masks: MASKS, ...options });
  }
}

async function formats(scene) {
  await scene.ask(POST, SHORT);
  await scene.ask(`${POST}?${SMALL}&characters=1&words=1&min_confidence=0.1`, SHORT);
  await scene.ask(`${POST}?${SMALL}&format=text`, SHORT);
  await scene.ask(`${POST}?${SMALL}&format=csv`, { ...SHORT, as: csvShown });
  await scene.ask(`${POST}?${SMALL}&format=hocr`, { ...SHORT, as: hocrShown });
  await scene.ask(`${POST}?${SMALL}&format=annotated`, { ...SHORT, as: pngShown });
  const named = form(["file", "scans/Übersicht 1.png", PAGE, "image/png"], ["angle", undefined, "0"]);
  await scene.ask(`${POST}?${SMALL}`, named);
  await scene.ask(`${POST}?${SMALL}&format=hocr`, { ...named, as: hocrShown });
  const all =
    "threshold=0.4&box_threshold=0.6&unclip=1.5&max_side=256&contrast=1&denoise=yes&deskew=0&model=ppocr-v4";
  await scene.ask(`${POST}?${all}&unknown=1`, SHORT);
  await scene.ask(POST, { body: png(64, 32, 255), shows: "(an empty page)" });
}

async function refusals(scene) {
  const wrong = [
    "format=docx",
    "threshold=2",
    "box_threshold=x",
    "unclip=9",
    "max_side=10",
    "min_confidence=-1",
    "angle=perhaps",
    "deskew=2",
    "characters=x",
    "page=0",
    "format=annotated&page=2",
    "model=nobody",
    "model=yolox-nano",
  ];
  for (const query of wrong) await scene.ask(`${POST}?${query}`, SHORT);
  await scene.ask(POST);
  await scene.ask(POST, { body: "hello, this is text" });
  await scene.ask(POST, { body: Buffer.from("%PDF-1.7\n...."), shows: "(a PDF)" });
  await scene.ask(POST, { body: Buffer.from("GIF89a"), shows: "(the beginning of a GIF)" });
  await scene.ask(POST, { body: PAGE.subarray(0, 3_000), shows: "(the beginning of the page)" });
  await scene.ask(POST, {
    body: Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0]),
    shows: "(the beginning of a JPEG)",
  });
  const large = Buffer.from(PAGE);
  large.writeUInt32BE(70_000, 16);
  await scene.ask(POST, { body: large, shows: "(a page that claims to be 70,000 pixels wide)" });
  large.writeUInt32BE(60_000, 16);
  large.writeUInt32BE(60_000, 20);
  await scene.ask(POST, { body: large, shows: "(a page that claims to be of 3.6 gigapixels)" });
  await scene.ask(POST, { body: Buffer.alloc(2 << 20), shows: "(2 MiB)" });
  await scene.ask(POST, form(["other", undefined, "x"]));
  await scene.ask(POST, form(["file", "a.png", PAGE], ["file", "b.png", PAGE]));
  await scene.ask(POST, form(["file", "a.png", PAGE], ["threshold", undefined, "7"]));
  await scene.ask(POST, form(["threshold", undefined, "1".repeat(2_000)], ["file", "a.png", PAGE]));
  await scene.ask(POST, many());
  await scene.ask(POST, { body: "--x", headers: { "Content-Type": "multipart/form-data; boundary=golden" } });
  await scene.ask(POST, { body: "--x", headers: { "Content-Type": "multipart/form-data" } });
  await scene.ask(POST, { ...SHORT, headers: { Origin: "https://evil.example" } });
  await scene.ask(`GET ${JOBS}`, { headers: { Origin: "https://evil.example" } });
}

/** A form with more options than there may be. */
function many() {
  const made = form(...Array.from({ length: 65 }, () => ["angle", undefined, "1"]), ["file", "a.png", PAGE]);
  return { ...made, shows: "(a form with 65 options)" };
}

/** Waits until a batch is over. */
async function over(scene, id) {
  await until(
    async () => (await look(scene.server, `${JOBS}/${id}`)).state !== "running",
    "the batch's end",
    PATIENCE_MS,
  );
}

async function jobs(scene, book) {
  await scene.ask(`GET ${JOBS}`);
  const files = [
    // It ends first, since nothing has to be read.
    ["file", "broken.jpg", "no picture", "image/jpeg"],
    ["file", "first.png", PAGE, "image/png"],
    ["file", "folder/other.png", OTHER, "image/png"],
    ["min_confidence", undefined, "0.3"],
  ];
  const heads = { location: (value) => value.replace(/[^/]+$/, "<id>") };
  // Its summary says what was done by then.
  const early = rules({ "done failed reading waiting regions characters": INT });
  const nullable = (body) =>
    masked(body.toString(), { ...MASKS, ...early }).replace(
      /"(mean_confidence|left_s)":(null|<float>)/g,
      '"$1":<float or null>',
    );
  const added = await scene.ask(`POST ${JOBS}?${SMALL}&keep=2`, { ...form(...files), heads, as: nullable });
  /** @type {Job} */
  const { id } = JSON.parse(added.body.toString());
  book.replace(id, "<id>");
  await over(scene, id);
  const at = `GET ${JOBS}/${id}`;
  await scene.ask(at);
  await scene.ask(`GET ${JOBS}`);
  await scene.ask(`${at}/files`);
  await scene.ask(`${at}/files?offset=1&limit=1`);
  for (const query of ["offset=-1", "limit=0", "limit=1001"]) await scene.ask(`${at}/files?${query}`);
  await scene.ask(`${at}/files/1`);
  await scene.ask(`${at}/files/1?characters=1&min_confidence=0.99999`);
  await scene.ask(`${at}/files/2?format=text`);
  await scene.ask(`${at}/files/2?format=csv`, { as: csvShown });
  await scene.ask(`${at}/files/2?format=hocr`, { as: hocrShown });
  await scene.ask(`${at}/files/2?format=annotated`, { as: pngShown });
  for (const path of ["0", "3", "x", "1?format=docx", "1?format=annotated&page=2"])
    await scene.ask(`${at}/files/${path}`);
  await scene.ask(`${at}/files/1/picture?side=64`);
  await scene.ask(`${at}/files/1/picture?side=128&contrast=1`);
  for (const path of ["1/picture?side=1", "1/picture?page=9", "0/picture", "9/picture"])
    await scene.ask(`${at}/files/${path}`);
  await scene.ask(`POST ${JOBS}/${id}/files/2/read?characters=1`);
  await scene.ask(`POST ${JOBS}/${id}/files/2/read?format=text&min_confidence=0.2`);
  await scene.ask(`POST ${JOBS}/${id}/files/1/read?unclip=99`);
  await scene.ask(`POST ${JOBS}/${id}/files/9/read`);
  await exports(scene, `${at}/export`);
  await events(scene, `${at}/events`);
  await scene.ask(`DELETE ${JOBS}/${id}`);
  await scene.ask(at);
  await scene.ask(`DELETE ${JOBS}/${id}`);
  await scene.ask(`${at}/events`);
  await scene.ask(`${at}/export`);
}

async function exports(scene, at) {
  await scene.ask(at, { as: linesShown });
  await scene.ask(`${at}?format=json&characters=1&min_confidence=0.1`, { as: linesShown });
  await scene.ask(`${at}?format=csv`, { as: csvShown });
  await scene.ask(`${at}?format=text`);
  await scene.ask(`${at}?format=hocr`, { as: (body) => zipShown(body, hocrShown) });
  await scene.ask(`${at}?format=annotated`);
  await scene.ask(`${at}?format=docx`);
}

/** All that is told of a batch that has ended; and from the second file on. */
async function events(scene, at) {
  for (const [request, headers] of [
    [at],
    [`${at}?after=2`],
    [at, { "Last-Event-ID": "1" }],
    [`${at}?after=x`],
  ]) {
    const told = await new Events(scene.server, request, { headers }).begun(scene.section);
    const all = await told.rest();
    // Two files are read side by side; which ends first is not said.
    const row = (event) => Number(event.match(/^data: \{"index":(\d+)/m)?.[1]);
    const rows = all.filter((event) => event.startsWith("event: file"));
    const sorted = rows.toSorted((a, b) => row(a) - row(b)).map((event) => event.match(/^data: .*$/m)[0]);
    const isWhole = rows.length === 3;
    const shown = all.map((event) => {
      if (!rows.includes(event)) return event;
      return isWhole
        ? event.replace(/^data: .*$/m, () => sorted.shift())
        : event.replace(/^data: .*$/m, "data: {}");
    });
    scene.section.write(...shown.map((event) => eventShown(event, MASKS)));
    if (all.length === 0) scene.section.write(told.answer.body.toString(), "");
    told.end();
  }
}

async function refusedJobs(scene) {
  const post = `POST ${JOBS}`;
  const file = ["file", "a.png", PAGE];
  await scene.ask(post, SHORT);
  await scene.ask(post, form(["angle", undefined, "1"]));
  await scene.ask(post, form(["file", "", ""]));
  await scene.ask(`${post}?keep=21`, form(file));
  await scene.ask(`${post}?model=nobody`, form(file));
  await scene.ask(post, form(file, ["unclip", undefined, "99"]));
  await scene.ask(post, form(...Array.from({ length: 4 }, () => file)));
  await scene.ask(post, form(["file", "a.bin", Buffer.alloc(2 << 20)]));
  await scene.ask(post, { body: "--x", headers: { "Content-Type": "multipart/form-data; boundary=golden" } });
  await scene.ask(post, { ...form(file), headers: { Origin: "https://evil.example" } });
  for (const request of [`GET ${JOBS}/nobody`, `DELETE ${JOBS}/nobody`, `GET ${JOBS}/nobody/files/0`])
    await scene.ask(request);
}

/** A batch that is given up while it is read. */
async function cancelled(scene, book) {
  const files = Array.from({ length: 20 }, (_, i) => ["file", `${i}.png`, PAGE]);
  const { body, headers } = form(...files);
  const added = await ask(scene.server, `POST ${JOBS}?max_side=4000&denoise=1`, { body, headers }).ended();
  added.socket.destroy();
  /** @type {Job} */
  const { id } = JSON.parse(added.body.toString());
  book.replace(id, "<id of another>");
  await scene.ask(`DELETE ${JOBS}/${id}`);
  const states = (body) => {
    /** @type {Job} */
    const { state } = JSON.parse(body.toString());
    return `(its state: ${state})`;
  };
  await over(scene, id);
  await scene.ask(`GET ${JOBS}/${id}`, { as: states, varies: true });
  await scene.ask(`GET ${JOBS}/${id}/files/19`);
}

/** Writes the book. */
export async function record(t, book) {
  const set = { ...ALIKE, "images.decode_memory_mb": 512 };
  const env = { USE_DUMMY_MODEL: "1", SIGHTWIRE_HOME: store(t) };
  const few = { "reader.max_image_mb": 1, "reader.max_job_files": 3, "reader.max_job_mb": 1 };
  const begin = (more) =>
    start(t, { args: flags({ ...set, "reader.folder": folder(t, "jobs"), ...more }), env });
  const [server, strict] = await Promise.all([begin({}), begin(few)]);
  book.replace(/Sightwire \d+\.\d+\.\d+ \(/g, "Sightwire <version> (");
  const one = (title, at = server) => new Scene(at, book.section(title));
  const [first, second, third, fourth, fifth] = [
    one("one picture"),
    one("refusals of one picture", strict),
    one("a batch"),
    one("refusals of batches", strict),
    one("a batch that is given up"),
  ];
  await formats(first);
  await jobs(third, book);
  await cancelled(fifth, book);
  await refusals(second);
  await refusedJobs(fourth);
}
