import { describe, expect, it } from 'vitest';
import { leftCount, leftInWords, pick } from './pick';

const found = (path: string) => ({ file: new File(['x'], path), path });

describe('files that are chosen or dropped', () => {
  it('are all taken where they were chosen one by one: the server says what is wrong', () => {
    expect(pick([found('notes.txt'), found('a.png')]).files).toHaveLength(2);
  });

  it('are only pictures where they come with a folder', () => {
    const { files, left } = pick(
      [
        'in/a.JPG',
        'in/deep/b.tiff',
        'in/Thumbs.db',
        'in/.hidden/c.png',
        'in/d.zip',
        'in/e.heic',
        'in/f.pdf',
      ].map(found),
    );
    expect(files.map(({ name }) => name)).toEqual([
      'in/a.JPG',
      'in/deep/b.tiff',
      'in/d.zip',
      'in/e.heic',
      'in/f.pdf',
    ]);
    expect(leftCount(left)).toBe(2);
    expect(leftInWords(left)).toBe('1 .db, 1 hidden');
  });

  it('are counted by kind where they are left out, the most frequent first', () => {
    const names = [
      'a.txt',
      'b.TXT',
      'README',
      'c.mp4',
      'd.a',
      'e.b',
      'f.c',
      'g.d',
      'h.e',
      'i.f',
      'j.g',
    ];
    const { left } = pick(names.map((name) => found(`in/${name}`)));
    expect(leftInWords(left)).toBe('2 .txt, 1 .a, 1 .b, 1 .c, 1 .d, 1 .e, 1 .f, 1 .g and 2 others');
    expect(leftInWords(pick([found('in/a.png')]).left)).toBe('');
  });
});
