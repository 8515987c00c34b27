import { snapshotPath } from '../../api/cameras';
import { askPicture, RequestError } from '../../api/http';
import { type Picked, stamp } from './pick';

/** A camera that nobody watches has to be opened first. */
const PATIENCE_MS = 20_000;

/** The newest frame of a live stream. */
export async function takeFrame(stream: string, signal: AbortSignal): Promise<Picked> {
  const path = snapshotPath(stream);
  const { picture } = await askPicture({ path, signal, timeoutMs: PATIENCE_MS });
  if (picture === null) throw new RequestError(`GET ${path}: no frame yet`);
  const name = `${stream}-${stamp(new Date())}.jpg`;
  return { file: new File([picture], name, { type: 'image/jpeg' }), name };
}
