// Bundles the pages that use clients/js, in a folder that looks like an application's, and serves them.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { basename, extname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

import { portOf } from "../../js/harness.mjs";
import { once } from "../once.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
export const PACKAGE = resolve(here, "../../../clients/js");
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8" };

/** The server's address in the documents; `serve` puts another in its place. */
const DOCUMENTED = "http://127.0.0.1:8000";

const read = (path) => readFile(path, "utf8");

/** Scripts `{ "name.js": text }`; each becomes a page `/name.html`. */
async function scripts() {
  const readme = await read(join(PACKAGE, "README.md"));
  const nextjs = await read(join(PACKAGE, "../../docs/nextjs.md"));
  return {
    // The first JavaScript of the package's README, as someone pastes it.
    "snippet.js": /```js\n([\s\S]*?)```/.exec(readme)[1],
    "streamer-snippet.js": /## Sharing a stream[\s\S]*?```js\n([\s\S]*?)```/.exec(readme)[1],
    // The component of docs/nextjs.md, mounted as Next.js would.
    "nextjs.tsx": `${/```tsx\n([\s\S]*?)```/.exec(nextjs)[1]}
import { createRoot } from 'react-dom/client';
createRoot(document.body.appendChild(document.createElement('div'))).render(<Recogniser />);`,
    "page.js": await read(join(here, "page.mjs")),
    "streamer.js": `import * as relay from 'sightwire/relay'; Object.assign(globalThis, { relay });`,
  };
}

/** The folder of all bundled pages. */
export const bundled = () => once("client-pages", bundle);

async function bundle(into) {
  if (!existsSync(join(PACKAGE, "node_modules"))) throw new Error("`npm ci` in clients/js comes first");
  await promisify(execFile)(process.execPath, [join(PACKAGE, "scripts/build.mjs")]);
  const folder = await mkdtemp(join(tmpdir(), "sightwire-client-"));
  await mkdir(join(folder, "node_modules"));
  await symlink(PACKAGE, join(folder, "node_modules/sightwire"));
  for (const name of ["react", "react-dom"]) {
    await symlink(join(PACKAGE, "node_modules", name), join(folder, "node_modules", name));
  }
  const input = {};
  for (const [file, text] of Object.entries(await scripts())) {
    const name = basename(file, extname(file));
    await writeFile(join(folder, file), text);
    await writeFile(
      join(folder, `${name}.html`),
      `<!doctype html><title>${name}</title><body><script type="module" src="./${file}"></script></body>`,
    );
    input[name] = join(folder, `${name}.html`);
  }
  const vite = await import(pathToFileURL(join(PACKAGE, "node_modules/vite/dist/node/index.js")).href);
  await vite.build({
    root: folder,
    configFile: false,
    logLevel: "error",
    define: { "process.env.NEXT_PUBLIC_SIGHTWIRE_URL": JSON.stringify(DOCUMENTED) },
    // The snippet waits at its top level.
    build: { target: "es2022", modulePreload: false, rolldownOptions: { input } },
  });
  await cp(join(folder, "dist"), into, { recursive: true });
  await rm(folder, { recursive: true, force: true });
}

/** Serves the bundled pages at an origin of their own, as an application does; `headers` for every answer. */
export async function serve({ url }, headers = {}) {
  const folder = await bundled();
  const server = createServer(async (request, response) => {
    const path = join(folder, new URL(request.url, "http://localhost").pathname);
    const text = await read(path).catch(() => null);
    const body = text?.replaceAll(DOCUMENTED, url);
    const type = TYPES[extname(path)] ?? "application/octet-stream";
    response.writeHead(body === undefined ? 404 : 200, { "content-type": type, ...headers }).end(body);
  });
  const port = await portOf(server);
  return { url: `http://127.0.0.1:${port}`, stop: () => server.close() };
}
