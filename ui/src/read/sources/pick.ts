/** A file with the name that the server is to call it. */
export interface Picked {
  file: File;
  name: string;
}

export interface Pick {
  files: Picked[];
  /** What was left out of a folder because it is no picture: how many of each kind. */
  left: ReadonlyMap<string, number>;
}

/** Nothing was left out. */
export const NOTHING: Pick['left'] = new Map();

/** As many as the server takes in one job. */
export const MOST_FILES = 10_000;
const PICTURES = /\.(?:jpe?g|jpe|jfif|png|apng|webp|tiff?|bmp|dib|gif|pdf|avif|hei[cf]|hif|zip)$/i;

/** What the file chooser offers. */
export const ACCEPT =
  '.jpg,.jpeg,.png,.webp,.tif,.tiff,.bmp,.gif,.pdf,.avif,.heic,.heif,.zip,image/*';

/** What was chosen one by one is taken as it is; a folder also has other things in it. */
export function pick(found: readonly { file: File; path: string }[]): Pick {
  const files: Picked[] = [];
  const left = new Map<string, number>();
  for (const { file, path } of found) {
    const inFolder = path.includes('/');
    if (inFolder && !isPicture(path)) {
      const kind = kindOf(path);
      left.set(kind, (left.get(kind) ?? 0) + 1);
    } else files.push({ file, name: path });
  }
  return { files, left };
}

function isPicture(path: string): boolean {
  return PICTURES.test(path) && !isHidden(path);
}

function isHidden(path: string): boolean {
  return path.split('/').some((part) => part.startsWith('.'));
}

/** As it is named among those that were left out. */
function kindOf(path: string): string {
  if (isHidden(path)) return 'hidden';
  return /\.[a-z0-9]{1,12}$/.exec(path.toLowerCase())?.[0] ?? 'without an extension';
}

const MOST_KINDS = 8;

/** `4 .txt, 2 hidden and 9 others`, the most frequent first; empty where nothing was left out. */
export function leftInWords(left: Pick['left']): string {
  const kinds = [...left].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
  const named = kinds.slice(0, MOST_KINDS).map(([kind, count]) => `${count} ${kind}`);
  const rest = kinds.slice(MOST_KINDS).reduce((sum, [, count]) => sum + count, 0);
  return named.join(', ') + (rest > 0 ? ` and ${rest} others` : '');
}

/** How many were left out. */
export function leftCount(left: Pick['left']): number {
  return [...left.values()].reduce((sum, count) => sum + count, 0);
}

/** Files of an `<input type="file">`, those of a folder with the way to them. */
export function chosen(list: FileList): Pick {
  return pick(
    Array.from(list, (file) => ({
      file,
      path: file.webkitRelativePath === '' ? file.name : file.webkitRelativePath,
    })),
  );
}

/** Files and whole folders that were dropped. */
export async function dropped(data: DataTransfer): Promise<Pick> {
  // The list is empty after the first `await`: entries have to be taken at once.
  const entries = Array.from(data.items, (item) => item.webkitGetAsEntry()).filter(
    (entry) => entry !== null,
  );
  if (entries.length === 0)
    return pick(Array.from(data.files, (file) => ({ file, path: file.name })));
  const found: { file: File; path: string }[] = [];
  for (const entry of entries) await collect(entry, found);
  return pick(found);
}

async function collect(
  entry: FileSystemEntry,
  found: { file: File; path: string }[],
): Promise<void> {
  if (found.length > MOST_FILES) return;
  if (entry.isFile) {
    const file = await new Promise<File>((done, fail) =>
      (entry as FileSystemFileEntry).file(done, fail),
    );
    found.push({ file, path: entry.fullPath.replace(/^\//, '') });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // A folder is read in parts, until a part is empty.
    const part = await new Promise<FileSystemEntry[]>((done, fail) =>
      reader.readEntries(done, fail),
    );
    if (part.length === 0) return;
    for (const one of part) await collect(one, found);
  }
}

/** Pictures that were pasted. They mostly have no name of their own. */
export function pasted(data: DataTransfer, at: Date): Pick {
  const files = Array.from(data.files).filter(
    ({ name, type }) => type.startsWith('image/') || isPicture(name),
  );
  return {
    files: files.map((file) => ({ file, name: pastedName(file, at) })),
    left: NOTHING,
  };
}

function pastedName({ name, type }: File, at: Date): string {
  // Browsers call every pasted picture this.
  if (name !== '' && !/^image\.\w+$/.test(name)) return name;
  const ending = /^image\/(\w+)/.exec(type)?.[1] ?? 'png';
  return `pasted-${stamp(at)}.${ending}`;
}

/** A time that can stand in a file name. */
export function stamp(at: Date): string {
  return at
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '-');
}
