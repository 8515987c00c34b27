import { describe, expect, it } from 'vitest';
import {
  ffmpegSnippet,
  htmlSnippet,
  pythonObjectsSnippet,
  pythonPicturesSnippet,
} from './snippets';

const URL = 'http://10.0.0.2:8000/stream/detect?camera=yard&fps=10';

describe('snippets', () => {
  it('have the address filled in, quoted for where they are pasted', () => {
    expect(htmlSnippet(URL)).toContain(
      'src="http://10.0.0.2:8000/stream/detect?camera=yard&amp;fps=10"',
    );
    expect(ffmpegSnippet(URL)).toContain(`-i "${URL}"`);
    expect(pythonPicturesSnippet(URL)).toContain(`VideoCapture("${URL}")`);
    expect(pythonObjectsSnippet(URL)).toContain(`get("${URL}", stream=True)`);
  });
});
