// The first entry in which a run differs from the right program's.
import { copyOf, drawnShape } from "./arrays.js";

// The first entry that differs, or null: { row, column, value, expected }, or the two shapes.
export function firstDifference(array, expected) {
  const same = array.shape.length === expected.shape.length && array.shape.every((size, axis) => size === expected.shape[axis]);
  if (!same) return { shape: array.shape, expectedShape: expected.shape };
  const columns = drawnShape(array)[1];
  for (let at = 0; at < array.data.length; at++) {
    const [one, other] = [array.data[at], expected.data[at]];
    if (one !== other && !(Number.isNaN(one) && Number.isNaN(other))) {
      return { row: Math.floor(at / columns), column: at % columns, value: one, expected: other };
    }
  }
  return null;
}

export class DifferenceFinder {
  constructor(run, reference) {
    this.run = run;
    this.reference = reference; // stands at the start of the run's step, or is run up to it
    this.found = null;
    this.after = null;
    this.step = -1;
    for (const name of Object.keys(run.state.arrays)) {
      const difference = firstDifference(run.state.arrays[name], reference.state.arrays[name]);
      if (difference && !this.found) this.found = { place: 0, step: 0, variable: name, line: null, ...difference };
    }
  }

  // The right program's variables after each line of this step, by the line's id.
  prepare(step) {
    const { reference } = this;
    reference.seek(step * reference.lines.length);
    const { arrays } = reference.state;
    const known = Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, copyOf(array)]));
    this.after = {};
    for (const line of reference.lines) {
      reference.stepLine();
      for (const name of line.writes) known[name] = copyOf(arrays[name]);
      this.after[line.id] = { ...known };
    }
    this.step = step;
  }

  // To be called after each line that the run has run.
  check(line) {
    const { run } = this;
    if (this.found || !line || run.stopped) return;
    if (run.iteration !== this.step) this.prepare(run.iteration);
    for (const variable of line.writes) {
      const difference = firstDifference(run.state.arrays[variable], this.after[line.id][variable]);
      if (!difference) continue;
      this.found = { place: run.place, step: run.iteration, variable, line: line.code, ...difference };
      this.after = null;
      return;
    }
  }
}
