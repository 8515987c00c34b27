import { sendJson } from './http';

/** Ends a relay stream or closes a camera; whoever watches it is sent off. */
export async function endStream(id: string): Promise<void> {
  await sendJson('DELETE', `/api/v1/streams/${encodeURIComponent(id)}`);
}

/** Sends a viewer off. */
export async function endViewer(id: number): Promise<void> {
  await sendJson('DELETE', `/api/v1/viewers/${id}`);
}

/** Has a process of the cluster give its cameras to the others. */
export async function drain(process: string): Promise<void> {
  await sendJson('POST', `/api/v1/cluster/processes/${encodeURIComponent(process)}/drain`);
}
