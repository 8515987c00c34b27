// What an application's bundle grows by: each entry minified, without its dependencies.
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'vite';

for (const entry of ['index', 'react', 'relay']) {
  const [{ output }] = await build({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      target: 'es2022',
      minify: true,
      lib: {
        entry: entry === 'relay' ? 'dist/relay/index.js' : `dist/${entry}.js`,
        formats: ['es'],
        fileName: entry,
      },
      rolldownOptions: {
        external:
          entry === 'react' ? ['socket.io-client', 'react', './index.js'] : ['socket.io-client'],
        output: { minify: true },
      },
    },
  });
  const code = output[0].code;
  const kb = (bytes) => `${(bytes / 1024).toFixed(2)} KiB`;
  console.log(
    `${entry}: minified ${kb(code.length)}, gzip ${kb(gzipSync(code, { level: 9 }).length)}, brotli ${kb(brotliCompressSync(code).length)}`,
  );
}
