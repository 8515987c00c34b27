import { describe, expect, it } from 'vitest';
import { pick } from './pick';

const found = (path: string) => ({ file: new File(['x'], path), path });

describe('files that are chosen or dropped', () => {
  it('are all taken where they were chosen one by one: the server says what is wrong', () => {
    expect(pick([found('notes.txt'), found('a.png')]).files).toHaveLength(2);
  });

  it('are only pictures where they come with a folder', () => {
    const { files, left } = pick(
      ['in/a.JPG', 'in/deep/b.tiff', 'in/Thumbs.db', 'in/.hidden/c.png', 'in/d.zip'].map(found),
    );
    expect(files.map(({ name }) => name)).toEqual(['in/a.JPG', 'in/deep/b.tiff', 'in/d.zip']);
    expect(left).toBe(2);
  });
});
