import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

/** Where `npm run dev` finds a running server. */
const server = process.env.SIGHTWIRE_URL ?? 'http://127.0.0.1:8000';

export default defineConfig({
  plugins: [react()],
  build: {
    // Small files stay files: the content security policy knows no `data:` scripts, fonts or styles.
    assetsInlineLimit: 0,
    // The polyfill is for browsers that are older than the ones we build for.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    proxy: {
      '/api': server,
      '/healthz': server,
      '/labels': server,
      '/livez': server,
      '/metrics': server,
      '/readyz': server,
      '/socket.io': { target: server, ws: true },
    },
  },
  test: {
    include: ['src/**/*.test.ts'],
  },
});
