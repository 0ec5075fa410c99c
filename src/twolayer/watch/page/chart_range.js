// The range of a chart's values.

const FAR_ABOVE = 1e4; // times the highest value, on a logarithmic axis

// The values from the lowest to the highest. A curve that stands aside, such as that of the run before, is cut off far
// above the others: one that diverged would press them flat.
export function range(curves, references, isLog) {
  const isShown = (value) => Number.isFinite(value) && (!isLog || value > 0);
  const valuesOf = (some) => some.flatMap(({ points }) => points.map(([, value]) => value)).filter(isShown);
  const values = [...valuesOf(curves.filter(({ aside }) => !aside)), ...references.map(({ value }) => value).filter(isShown)];
  const most = values.reduce((a, b) => Math.max(a, b), -Infinity) * (isLog ? FAR_ABOVE : 2);
  const beside = valuesOf(curves.filter(({ aside }) => aside));
  values.push(...(values.length ? beside.filter((value) => value <= most) : beside));
  if (!values.length) return [isLog ? 0.1 : 0, 1];
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  if (isLog) return [low / 1.5, high * 1.5];
  return [Math.min(0, low), high * 1.05 || 1];
}
