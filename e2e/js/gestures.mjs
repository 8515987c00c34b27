// What a client makes of the answers to one clip.

/**
 * The label that gathered the highest sum of scores, and its best score.
 * @param {import("./types.ts").Prediction[]} predictions
 */
export function verdict(predictions) {
  const sums = new Map();
  const best = new Map();
  for (const { label, score } of predictions) {
    if (label === "none") continue;
    sums.set(label, (sums.get(label) ?? 0) + score);
    best.set(label, Math.max(best.get(label) ?? 0, score));
  }
  const [label] = [...sums].sort((a, b) => b[1] - a[1])[0] ?? ["none"];
  return { label, score: best.get(label) ?? 0 };
}
