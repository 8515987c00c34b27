import { describe, expect, it } from 'vitest';
import type { Model } from 'sightwire';
import type { Result } from '../recognise/results';
import { fileName, MOST_ROWS, Recording } from './recording';

const CLIP = { window: 10, threshold: 0.5, arming: false, width: 224, height: 224 };
const GESTURES: Model = { name: 'gestures', labels: ['left', 'right'], ...CLIP };
const SIGNS: Model = { name: 'signs', labels: ['right', '=book'], ...CLIP };
const START_MS = Date.UTC(2026, 10, 20, 10, 31, 7, 5);

function result(change: Partial<Result> = {}): Result {
  return {
    atMs: START_MS,
    label: 'left',
    score: 0.9,
    seen: 12,
    delayMs: 8.25,
    scores: [0.9, 0.1],
    sight: null,
    model: GESTURES,
    ...change,
  };
}

const lines = (recording: Recording) => [...recording.csv()].join('').split('\r\n');

describe('the file', () => {
  it('has a line for each prediction, with time, label, score, delay, frame, model and scores', () => {
    const recording = new Recording();
    recording.add(result());
    recording.add(result({ atMs: START_MS + 40, label: 'none', score: 0.44, seen: 13 }));
    expect(lines(recording)).toEqual([
      'time,label,score,delay_ms,seen,model,score_left,score_right',
      '2026-11-20T10:31:07.005Z,left,0.9,8.3,12,gestures,0.9,0.1',
      '2026-11-20T10:31:07.045Z,none,0.44,8.3,13,gestures,0.9,0.1',
      '',
    ]);
    expect(recording.spanMs).toBe(40);
  });

  it('leaves empty what is not known', () => {
    const recording = new Recording();
    recording.add(result({ seen: null, delayMs: null, scores: null }));
    expect(lines(recording)[1]).toBe('2026-11-20T10:31:07.005Z,left,0.9,,,gestures,,');
  });

  it('goes on through a change of the model, with the columns of both', () => {
    const recording = new Recording();
    recording.add(result());
    recording.add(result({ label: '=book', scores: [0.2, 0.8], score: 0.8, model: SIGNS }));
    recording.add(result());
    expect(lines(recording)).toEqual([
      'time,label,score,delay_ms,seen,model,score_left,score_right,score_=book',
      '2026-11-20T10:31:07.005Z,left,0.9,8.3,12,gestures,0.9,0.1,',
      "2026-11-20T10:31:07.005Z,'=book,0.8,8.3,12,signs,,0.2,0.8",
      '2026-11-20T10:31:07.005Z,left,0.9,8.3,12,gestures,0.9,0.1,',
      '',
    ]);
  });

  it('keeps a model apart that has other labels under the same name', () => {
    const recording = new Recording();
    recording.add(result());
    recording.add(result({ model: { ...GESTURES, labels: ['left', 'up'] } }));
    expect(lines(recording)[0]).toBe(
      'time,label,score,delay_ms,seen,model,score_left,score_right,score_up',
    );
    expect(lines(recording)[2]).toBe('2026-11-20T10:31:07.005Z,left,0.9,8.3,12,gestures,0.9,,0.1');
  });
});

describe('a recording', () => {
  it('holds an hour at 25 predictions a second, and then takes no more', () => {
    const recording = new Recording();
    expect(recording.roomS(20)).toBe(3600);
    for (let n = 0; n < MOST_ROWS; n += 1) recording.add(result({ atMs: START_MS + n * 40 }));
    expect(recording.isFull).toBe(false);
    expect(recording.add(result())).toBe(false);
    expect(recording).toMatchObject({ isFull: true, rows: MOST_ROWS });
    expect(recording.roomS(20)).toBe(0);
    expect(lines(recording)).toHaveLength(MOST_ROWS + 2);
  });

  it('is bounded in memory, too: with many labels it is shorter, and says so before', () => {
    const labels = Array.from({ length: 2000 }, (_, n) => `sign ${n}`);
    const model = { ...SIGNS, labels };
    const recording = new Recording(MOST_ROWS, 20_000_000);
    const promisedS = recording.roomS(labels.length);
    expect(promisedS).toBeGreaterThan(60);
    expect(promisedS).toBeLessThan(120);
    let rows = 0;
    while (recording.add(result({ model, scores: null }))) rows += 1;
    expect(rows).toBe(promisedS * 25);
  });
});

it('a file is named for when it was saved, without a character that file systems refuse', () => {
  expect(fileName(new Date(START_MS))).toBe('sightwire-predictions-2026-11-20T10-31-07.csv');
});
