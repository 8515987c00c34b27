// Bundles pages that use clients/js, in a folder that looks like an application's, and serves them.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { basename, extname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

const here = fileURLToPath(new URL(".", import.meta.url));
export const PACKAGE = resolve(here, "../../../clients/js");
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8" };

/**
 * Builds the package and bundles the scripts `{ "name.js": text }`; each becomes a page `/name.html`.
 * `env` is what the bundler puts in place of `process.env.…`.
 */
export async function bundlePages(scripts, env = {}) {
  if (!existsSync(join(PACKAGE, "node_modules"))) throw new Error("`npm ci` in clients/js comes first");
  await promisify(execFile)(process.execPath, [join(PACKAGE, "scripts/build.mjs")]);
  const folder = await mkdtemp(join(tmpdir(), "sightwire-client-"));
  await mkdir(join(folder, "node_modules"));
  await symlink(PACKAGE, join(folder, "node_modules/sightwire"));
  for (const name of ["react", "react-dom"]) {
    await symlink(join(PACKAGE, "node_modules", name), join(folder, "node_modules", name));
  }
  const input = {};
  for (const [file, text] of Object.entries(scripts)) {
    const name = basename(file, extname(file));
    await writeFile(join(folder, file), text);
    await writeFile(
      join(folder, `${name}.html`),
      `<!doctype html><title>${name}</title><body><script type="module" src="./${file}"></script></body>`,
    );
    input[name] = join(folder, `${name}.html`);
  }
  const vite = await import(pathToFileURL(join(PACKAGE, "node_modules/vite/dist/node/index.js")));
  await vite.build({
    root: folder,
    configFile: false,
    logLevel: "error",
    define: Object.fromEntries(
      Object.entries(env).map(([name, value]) => [`process.env.${name}`, JSON.stringify(value)]),
    ),
    // The snippet waits at its top level.
    build: { target: "es2022", modulePreload: false, rolldownOptions: { input } },
  });
  return { dist: join(folder, "dist"), remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Serves a folder at an origin of its own, as an application does; `headers` for every answer. */
export async function serve(folder, headers = {}) {
  const server = createServer(async (request, response) => {
    const path = join(folder, new URL(request.url, "http://localhost").pathname);
    const body = await readFile(path).catch(() => null);
    const type = TYPES[extname(path)] ?? "application/octet-stream";
    response.writeHead(body === null ? 404 : 200, { "content-type": type, ...headers }).end(body);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() };
}
