import { describe, expect, it } from 'vitest';
import { cameraProblem } from './problems';

const HERE = { supported: true, origin: 'http://localhost:8000' };

describe('cameraProblem', () => {
  it.each([
    ['NotAllowedError', 'camera-denied'],
    ['NotFoundError', 'camera-missing'],
    ['NotReadableError', 'camera-busy'],
    ['OverconstrainedError', 'camera-gone'],
    ['TypeError', 'camera-failed'],
  ])('explains %s', (name, id) => {
    const problem = cameraProblem(new DOMException('why', name), HERE);
    expect(problem.id).toBe(id);
    expect(problem.cause).toBe(`${name}: why`);
    expect(problem.steps.length).toBeGreaterThan(0);
  });

  it('blames the address, not the camera, on an insecure page', () => {
    const problem = cameraProblem(new TypeError('undefined'), {
      supported: false,
      origin: 'http://192.168.1.7:8000',
    });
    expect(problem.id).toBe('camera-insecure');
    expect(problem.cause).toContain('http://192.168.1.7:8000');
  });
});
