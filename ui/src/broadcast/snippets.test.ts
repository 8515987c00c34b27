import { describe, expect, it } from 'vitest';
import { javascriptViewerSnippet, picturesPath, wallPath } from './snippets';

const ORIGIN = 'http://10.0.0.2:8000';
const NAME = 'Büro "1" & 2';

describe('addresses of a stream', () => {
  it('hold its name whatever it is made of', () => {
    const query = new URL(picturesPath(NAME), ORIGIN).searchParams;
    expect(query.get('camera')).toBe(NAME);
    expect(new URL(wallPath(NAME), ORIGIN).searchParams.get('one')).toBe(NAME);
  });
});

describe('the snippet', () => {
  it('has address and name filled in, quoted, in five lines', () => {
    const code = javascriptViewerSnippet(ORIGIN, NAME);
    expect(code.split('\n')).toHaveLength(5);
    expect(code).toContain(`"${ORIGIN}"`);
    expect(code).toContain('"Büro \\"1\\" & 2"');
  });
});
