// Scales of a chart: from values to pixels, with ticks at round numbers.

/** Round steps from `low` to `high`, about `count` of them. */
export function niceTicks(low, high, count) {
  const span = high - low || 1;
  const power = 10 ** Math.floor(Math.log10(span / count));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => span / size <= count);
  const ticks = [];
  for (let value = Math.ceil(low / step) * step; value <= high + 1e-9 * span; value += step) ticks.push(Number(value.toPrecision(12)));
  return ticks;
}

/** 1, 2 and 5 times powers of ten; powers alone of a wide range, round steps of a narrow one. */
export function logTicks(low, high) {
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const factor of [1, 2, 5]) ticks.push(Number((factor * 10 ** power).toPrecision(6)));
  }
  const inside = ticks.filter((tick) => tick >= low && tick <= high);
  if (inside.length < 3) return niceTicks(low, high, 5);
  return inside.length > 7 ? inside.filter((tick) => /^1/.test(tick.toExponential())) : inside;
}

/** A linear scale onto [start, end] pixels. */
export function linear(low, high, start, end) {
  const toPixels = (value) => start + ((value - low) / (high - low || 1)) * (end - start);
  return Object.assign(toPixels, { invert: (pixel) => low + ((pixel - start) / (end - start)) * (high - low) });
}

/** A logarithmic scale onto [start, end] pixels. */
export function logarithmic(low, high, start, end) {
  const inner = linear(Math.log10(low), Math.log10(high), start, end);
  return (value) => inner(Math.log10(value));
}

/** Means of points over the `span` points around each. */
export function smoothed(points, span) {
  const half = Math.floor(span / 2);
  return points.map(([x], i) => {
    const around = points.slice(Math.max(0, i - half), i + half + 1);
    return [x, around.reduce((sum, [, y]) => sum + y, 0) / around.length];
  });
}
