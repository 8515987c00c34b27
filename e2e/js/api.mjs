// Requests to the API, with the types of what they send and what is answered.

/** @import { Answer, Body, Method } from "./types.ts" */

/**
 * A request with a body of JSON; a text or bytes go as they are. What is in the answer, parsed where it is JSON.
 * @template {Method} M
 * @template {string} Path
 * @param {{ url: string }} at
 * @param {M} method
 * @param {Path} path
 * @param {Body<M, Path> | string | Uint8Array | FormData} [body]
 * @param {Record<string, string>} [headers]
 */
export async function ask(at, method, path, body, headers) {
  const isRaw = body === undefined || body instanceof Uint8Array || body instanceof FormData;
  const response = await fetch(at.url + path, {
    method,
    headers: { ...(isRaw ? {} : { "Content-Type": "application/json" }), ...headers },
    body: isRaw || typeof body === "string" ? /** @type {BodyInit} */ (body) : JSON.stringify(body),
  });
  const text = await response.text();
  /** @type {Answer<M, Path>} */
  const json = response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : undefined;
  return { status: response.status, headers: response.headers, text, json };
}
