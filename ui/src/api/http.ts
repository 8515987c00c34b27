import { at } from '../base/basePath';
import { csrfHeader, goToLogin } from './session';

/** A request that brought no answer to use. `message` is for the details, not for the headline. */
export class RequestError extends Error {
  override name = 'RequestError';

  constructor(
    message: string,
    /** The HTTP status; null where there was no answer. */
    readonly status: number | null = null,
    /** The server's own words (`detail`), which are for people. */
    readonly detail: string | null = null,
  ) {
    super(message);
  }
}

/** After so long a page says that the server is silent; the answer of one whose cores others have is still taken */
export const SILENT_MS = 4000;
/** until then. */
export const PATIENCE_MS = 30_000;

const NO_CONTENT = 204;
const UNAUTHORIZED = 401;

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

interface Ask {
  method: Method;
  path: string;
  /** Sent as JSON. */
  body?: unknown;
  signal?: AbortSignal | undefined;
  timeoutMs: number;
}

/** Fetches JSON, with a deadline. The server's own words (`detail`) become the error's. */
export async function getJson<T>(path: string, signal?: AbortSignal, timeoutMs = 5000): Promise<T> {
  return request({ method: 'GET', path, signal, timeoutMs }, readJson<T>);
}

/** Asks for something to be done, and for the JSON that says how it went. */
export async function postJson<T>(path: string, timeoutMs: number): Promise<T> {
  return request({ method: 'POST', path, timeoutMs }, readJson<T>);
}

/** Has something made, changed or removed; the JSON of the answer, or null where it has none. */
export async function sendJson<T>(
  method: Method,
  path: string,
  body?: unknown,
  timeoutMs = 10_000,
): Promise<T | null> {
  return request({ method, path, body, timeoutMs }, (response) =>
    response.status === NO_CONTENT ? Promise.resolve(null) : readJson<T>(response),
  );
}

/** Asks for a picture; with the headers that came with it. Null where there is none yet. */
export async function askPicture(
  ask: Omit<Ask, 'method'> & { method?: Method },
): Promise<{ picture: Blob | null; headers: Headers }> {
  return request({ method: 'GET', ...ask }, async (response) => ({
    picture: response.status === NO_CONTENT ? null : await response.blob(),
    headers: response.headers,
  }));
}

/** What a server that answers with an error has to say about it; null where it says nothing. */
export async function readDetail(response: Response): Promise<string | null> {
  const body: unknown = await response.json().catch(() => null);
  const detail = (body as { detail?: unknown } | null)?.detail;
  return typeof detail === 'string' ? detail : null;
}

/** What went wrong as a sentence: the server's own where there is one. */
export function sentence(error: unknown): string {
  if (!(error instanceof RequestError)) return String(error);
  return error.detail ?? (error.status === null ? 'The server is not responding.' : error.message);
}

async function readJson<T>(response: Response): Promise<T> {
  const body: unknown = await response.json().catch((error: unknown) => {
    // One whose deadline has passed may be JSON all the same.
    if (error instanceof SyntaxError) return null;
    throw error;
  });
  if (body === null) throw new RequestError('the answer is not JSON', response.status);
  return body as T;
}

async function request<T>(ask: Ask, read: (response: Response) => Promise<T>): Promise<T> {
  const { method, path, body, signal, timeoutMs } = ask;
  const what = `${method} ${path}`;
  const deadline = AbortSignal.timeout(timeoutMs);
  const stop = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
  try {
    const headers: Record<string, string> = {
      accept: 'application/json, image/*',
      ...csrfHeader(method),
    };
    const init: RequestInit = { method, signal: stop, headers, cache: 'no-store' };
    if (body !== undefined) {
      headers['content-type'] = 'application/json';
      init.body = JSON.stringify(body);
    }
    const response = await fetch(at(path), init);
    if (!response.ok) {
      if (response.status === UNAUTHORIZED) goToLogin();
      const detail = await readDetail(response);
      const said = detail ?? response.statusText;
      throw new RequestError(`${what}: ${response.status} ${said}`, response.status, detail);
    }
    return await read(response);
  } catch (error) {
    if (signal?.aborted === true) throw error;
    if (error instanceof RequestError) {
      if (error.message.startsWith(what)) throw error;
      throw new RequestError(`${what}: ${error.message}`, error.status, error.detail);
    }
    if (deadline.aborted) throw new RequestError(`${what}: no response within ${timeoutMs} ms`);
    throw new RequestError(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
