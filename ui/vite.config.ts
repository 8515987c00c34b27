import react from '@vitejs/plugin-react';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** Where `npm run dev` finds a running server. */
const server = process.env.SIGHTWIRE_URL ?? 'http://127.0.0.1:8000';
/** With the address that the browser asks for: sessions count for that one. */
const through = { target: server, changeOrigin: false };
const client = fileURLToPath(new URL('../clients/js/src/', import.meta.url));

/** The login page has the colours of the others, and none of their code: a server shows it to strangers. */
const loginColours = {
  name: 'login-colours',
  generateBundle() {
    const source = readFileSync(new URL('src/app/tokens.css', import.meta.url), 'utf8');
    this.emitFile({ type: 'asset', fileName: 'login/tokens.css', source });
  },
} satisfies Plugin;

export default defineConfig(({ command }) => ({
  // The server says in the page where it is: also below a path of a proxy.
  base: command === 'build' ? './' : '/',
  plugins: [react(), loginColours],
  resolve: {
    // Our own client, from its sources: nothing has to be built or installed there first. The same
    // paths stand in tsconfig.app.json.
    alias: [
      { find: /^sightwire$/, replacement: `${client}index.ts` },
      { find: /^sightwire\/api$/, replacement: `${client}api.ts` },
      { find: /^sightwire\/relay$/, replacement: `${client}relay/index.ts` },
      { find: /^sightwire\/worker$/, replacement: `${client}worker.ts` },
    ],
    // What the client needs is taken from here.
    dedupe: ['socket.io-client'],
  },
  build: {
    // Small files stay files: the content security policy knows no `data:` scripts, fonts or styles.
    assetsInlineLimit: 0,
    // The polyfill is for browsers that are older than the ones we build for.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    fs: { allow: ['.', client] },
    proxy: {
      '/api': { ...through, ws: true },
      '/healthz': through,
      '/labels': through,
      '/livez': through,
      '/metrics': through,
      '/readyz': through,
      '/socket.io': { ...through, ws: true },
      '/stream': through,
      '/streams': through,
      '/ws': { ...through, ws: true },
    },
  },
  test: {
    include: ['src/**/*.test.ts'],
  },
}));
