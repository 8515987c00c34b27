import type { Error as Refusal, Job } from 'sightwire/api';
import { RequestError } from '../../api/http';
import { JOBS_PATH } from '../../api/read';
import { csrfHeader } from '../../api/session';
import type { OptionQuery } from '../../api/read';
import type { Picked } from '../sources/pick';
import { at } from '../../base/basePath';

export interface Sent {
  bytes: number;
  total: number;
}

/** No answer for so long after everything was sent: the server is gone. */
const ANSWER_PATIENCE_MS = 60_000;

/**
 * Sends files as one job. `XMLHttpRequest`, because `fetch` does not tell how far an upload has
 * got. Rejects with an `AbortError` where `signal` ended it.
 */
export function sendJob(
  files: readonly Picked[],
  query: OptionQuery,
  onSent: (sent: Sent) => void,
  signal: AbortSignal,
): Promise<Job> {
  const form = new FormData();
  for (const { file, name } of files) form.append('file', file, name);
  const path = `${JOBS_PATH}?${new URLSearchParams(query)}`;
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let patience: ReturnType<typeof setTimeout> | undefined;
    let impatient = false;
    const fail = (said: string, status: number | null = null, detail: string | null = null) =>
      reject(new RequestError(`POST ${path}: ${said}`, status, detail));
    request.open('POST', at(path));
    request.responseType = 'json';
    for (const [name, value] of Object.entries(csrfHeader('POST'))) {
      request.setRequestHeader(name, value);
    }
    request.upload.onprogress = ({ loaded, total }) => onSent({ bytes: loaded, total });
    request.upload.onload = () => {
      patience = setTimeout(() => {
        impatient = true;
        request.abort();
      }, ANSWER_PATIENCE_MS);
    };
    request.onload = () => {
      const { status } = request;
      const body = request.response as (Job & Partial<Refusal>) | null;
      if (status >= 200 && status < 300 && body !== null) resolve(body);
      else fail(`${status} ${body?.detail ?? request.statusText}`, status, body?.detail ?? null);
    };
    request.onerror = () => fail('the connection was lost');
    request.onabort = () => {
      if (impatient) fail(`no response within ${ANSWER_PATIENCE_MS} ms`);
      else reject(new DOMException('stopped', 'AbortError'));
    };
    request.onloadend = () => {
      clearTimeout(patience);
      signal.removeEventListener('abort', stop);
    };
    const stop = () => request.abort();
    signal.addEventListener('abort', stop);
    if (signal.aborted) reject(new DOMException('stopped', 'AbortError'));
    else request.send(form);
  });
}
