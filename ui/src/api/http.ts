/** A request that brought no answer to use. `message` is for the details, not for the headline. */
export class RequestError extends Error {
  override name = 'RequestError';
}

/** Fetches JSON, with a deadline. The server's own words (`detail`) become the error's. */
export async function getJson<T>(path: string, signal?: AbortSignal, timeoutMs = 5000): Promise<T> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const stop = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
  try {
    const response = await fetch(path, { signal: stop, headers: { accept: 'application/json' } });
    const body: unknown = await response.json().catch(() => null);
    if (!response.ok) {
      const detail = (body as { detail?: unknown } | null)?.detail;
      const said = typeof detail === 'string' ? detail : response.statusText;
      throw new RequestError(`GET ${path}: ${response.status} ${said}`);
    }
    if (body === null) throw new RequestError(`GET ${path}: the answer is not JSON`);
    return body as T;
  } catch (error) {
    if (error instanceof RequestError || signal?.aborted === true) throw error;
    if (deadline.aborted) throw new RequestError(`GET ${path}: no answer in ${timeoutMs} ms`);
    throw new RequestError(
      `GET ${path}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
