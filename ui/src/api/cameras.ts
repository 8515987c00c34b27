import type { Camera, CameraChange, Cameras, CameraTest, NewCamera, Streams } from 'sightwire/api';
import { type Course, nextCourse, NO_COURSE } from './course';
import { askPicture, RequestError, sendJson } from './http';
import { Poll } from './poll';

/** A board that has to wake up first takes a while. */
const TEST_PATIENCE_MS = 20_000;

let courses = new Map<string, Course>();

/** All cameras with their streams; one request for everybody on this page who looks. */
export const camerasPoll = new Poll<Cameras>('/api/v1/cameras', (answer) => {
  courses = new Map(answer.cameras.map(({ id, stream }) => [id, nextCourse(courseOf(id), stream)]));
});

/** The open streams, those included that somebody asked for by address. */
export const streamsPoll = new Poll<Streams>('/api/v1/streams');

/** How rate and delay of a camera went while this page looked. */
export function courseOf(id: string): Course {
  return courses.get(id) ?? NO_COURSE;
}

const pathOf = (id: string) => `/api/v1/cameras/${encodeURIComponent(id)}`;

export async function addCamera(camera: NewCamera): Promise<Camera | null> {
  return sendJson<Camera>('POST', '/api/v1/cameras', camera);
}

export async function changeCamera(id: string, change: CameraChange): Promise<Camera | null> {
  return sendJson<Camera>('PATCH', pathOf(id), change);
}

export async function removeCamera(id: string): Promise<void> {
  await sendJson('DELETE', pathOf(id));
}

export interface Tested {
  picture: Blob;
  width: number | null;
  height: number | null;
  waitMs: number | null;
}

/** Has the server fetch one picture of a camera that is not there yet, or not yet changed. */
export async function testCamera(camera: CameraTest, signal: AbortSignal): Promise<Tested> {
  const path = '/api/v1/cameras/test';
  const ask = { method: 'POST', path, body: camera, signal, timeoutMs: TEST_PATIENCE_MS } as const;
  const { picture, headers } = await askPicture(ask);
  if (picture === null) throw new RequestError(`POST ${path}: no picture`);
  const number = (name: string) => {
    const value = headers.get(`x-sightwire-${name}`);
    return value === null ? null : Number(value);
  };
  return { picture, width: number('width'), height: number('height'), waitMs: number('wait-ms') };
}

export function snapshotPath(id: string): string {
  return `/api/v1/streams/${encodeURIComponent(id)}/snapshot.jpg`;
}
