// Makes the types of crates/api/openapi.json: src/paths.ts has what each path takes and answers, src/api.ts the messages.
// With --check it writes nothing, and fails where a file is not what it would write.
import { readFile, writeFile } from 'node:fs/promises';

import openapiTS, { astToString, COMMENT_HEADER } from 'openapi-typescript';

const root = new URL('..', import.meta.url);
const checks = process.argv.includes('--check');

const nodes = await openapiTS(new URL('../../crates/api/openapi.json', root), {
  rootTypes: true,
  rootTypesNoSchemaPrefix: true,
  arrayLength: true,
});
const isPaths = (node) => node.name.text === 'paths';
const files = {
  'src/paths.ts': `import type { components } from './api.js';\n\n${astToString(nodes.filter(isPaths))}`,
  'src/api.ts': `export type { paths } from './paths.js';\n${astToString(nodes.filter((node) => !isPaths(node)))}`,
};
for (const [name, text] of Object.entries(files)) {
  const file = new URL(name, root);
  const made = `${COMMENT_HEADER}${text}`;
  if (!checks) {
    await writeFile(file, made);
  } else if ((await readFile(file, 'utf8').catch(() => '')) !== made) {
    console.error(`${name} is not what openapi.json says; \`npm run api\` makes it anew`);
    process.exitCode = 1;
  }
}
