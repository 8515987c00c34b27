import type { Camera, CameraChange, NewCamera } from 'sightwire/api';

/** What stands in the form. */
export interface Draft {
  name: string;
  url: string;
  mode: Camera['mode'];
  /** Of single pictures; null leaves it to the server. */
  fps: number | null;
  user: string;
  default: boolean;
}

export type Field = 'name' | 'url';

export const EMPTY: Draft = {
  name: '',
  url: '',
  mode: 'stream',
  fps: null,
  user: '',
  default: false,
};

/** Single pictures a second where nobody says otherwise. */
export const USUAL_CAPTURE_FPS = 5;

/** Stands where the server keeps name and password of an address to itself. */
const MASK = '***';

export function draftOf({ name, url, mode, fps, user, default: isDefault }: Camera): Draft {
  return { name, url, mode, fps, user: user ?? '', default: isDefault };
}

/** What is missing, before the server is asked; for the field it belongs to. */
export function missing(draft: Draft): Partial<Record<Field, string>> {
  const found: Partial<Record<Field, string>> = {};
  if (draft.name.trim() === '') found.name = 'Enter a name, such as Front door.';
  if (address(draft.url) === '') found.url = 'Enter an address, such as http://192.168.1.50.';
  return found;
}

/** An address as the server wants it: people leave the beginning away. */
export function address(typed: string): string {
  const text = typed.trim();
  const whole = /^([a-z][a-z0-9+.-]*:\/\/|simulated:)/i.test(text);
  return text === '' || whole ? text : `http://${text}`;
}

/** A scene that the server draws itself. */
export function isSimulated(typed: string): boolean {
  return /^simulated:/i.test(typed.trim());
}

/** Name and password are there, but are not shown. */
export function isMasked(url: string): boolean {
  return url.includes(`${MASK}@`);
}

/** Everything, for a camera that is new. */
export function toAdd(draft: Draft): NewCamera {
  const { mode, default: isDefault } = draft;
  const user = draft.user.trim();
  return {
    name: draft.name.trim(),
    url: address(draft.url),
    // A scene of the server's own comes in its own way.
    ...(isSimulated(draft.url) ? {} : { mode }),
    default: isDefault,
    ...(mode === 'capture' && draft.fps !== null && !isSimulated(draft.url)
      ? { fps: draft.fps }
      : {}),
    ...(user === '' ? {} : { user }),
  };
}

/** Only what is another than before; null where nothing is. */
export function toChange(camera: Camera, draft: Draft): CameraChange | null {
  const change: CameraChange = {};
  const name = draft.name.trim();
  const url = address(draft.url);
  const user = draft.user.trim();
  const fps = draft.mode === 'capture' ? draft.fps : camera.fps;
  if (name !== camera.name) change.name = name;
  if (url !== camera.url) change.url = url;
  if (draft.mode !== camera.mode) change.mode = draft.mode;
  if (fps !== camera.fps) change.fps = fps ?? USUAL_CAPTURE_FPS;
  if (user !== (camera.user ?? '')) change.user = user;
  if (draft.default !== camera.default) change.default = draft.default;
  return Object.keys(change).length === 0 ? null : change;
}
