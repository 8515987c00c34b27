import { describe, expect, it, vi } from 'vitest';
import { Pipeline } from './pipeline.js';
import type { Frame } from './sources.js';
import { PushSource } from './testing/pushSource.js';

/** A pipeline into an output that takes everything, and a source to push frames with. */
function made() {
  const output = {
    fps: () => 25,
    opening: vi.fn(),
    opened: vi.fn(),
    room: vi.fn((): 'free' | 'full' | null => 'free'),
    dropped: vi.fn(),
    encode: vi.fn((frame: Frame): Promise<Frame | null> => Promise.resolve(frame)),
    send: vi.fn((): number | null => 1),
    failed: vi.fn(),
  };
  const source = new PushSource();
  let atMs = 0;
  /** The next frame, in good time. */
  const push = () => source.sink?.frame('a picture', (atMs += 1000)) ?? null;
  return { pipeline: new Pipeline<Frame>(output), output, source, push };
}

describe('a pipeline', () => {
  it('tells that it opens a source before it starts it', () => {
    const { pipeline, output, source } = made();
    output.opening.mockImplementation(() => expect(source.starts).toBe(0));
    pipeline.start(source);
    expect(output.opening).toHaveBeenCalledOnce();
    expect(source.starts).toBe(1);
  });

  it('does not start a source that was stopped by whoever was told of it', async () => {
    const { pipeline, output, source } = made();
    output.opening.mockImplementation(() => pipeline.stop());
    pipeline.start(source);
    await Promise.resolve();
    expect(source.starts).toBe(0);
    expect(output.opened).not.toHaveBeenCalled();
  });

  it('asks for room for each frame, and counts only those for which there is none', async () => {
    const { pipeline, output, source, push } = made();
    pipeline.start(source);
    expect(await push()).toBe(1);
    output.room.mockReturnValue('full');
    expect(push()).toBeNull();
    expect(output.dropped).toHaveBeenCalledOnce();
    output.room.mockReturnValue(null);
    expect(push()).toBeNull();
    expect(output.dropped).toHaveBeenCalledOnce();
  });

  it('sends no frame that was encoded too late, after the source had changed', async () => {
    const { pipeline, output, source, push } = made();
    pipeline.start(source);
    const sent = push();
    pipeline.start(new PushSource());
    expect(await sent).toBeNull();
    expect(output.send).not.toHaveBeenCalled();
  });

  it('bears a frame that cannot be encoded, and fails after ten in a row', async () => {
    const { pipeline, output, source, push } = made();
    const broken = new Error('no picture');
    pipeline.start(source);
    output.encode.mockRejectedValue(broken);
    for (let n = 0; n < 9; n += 1) expect(await push()).toBeNull();
    output.encode.mockResolvedValueOnce('a picture');
    expect(await push()).toBe(1);
    for (let n = 0; n < 9; n += 1) await push();
    expect(output.failed).not.toHaveBeenCalled();
    await push();
    expect(output.failed.mock.lastCall).toMatchObject([
      { code: 'encoder-failed', cause: 'Error: no picture' },
    ]);
  });
});
