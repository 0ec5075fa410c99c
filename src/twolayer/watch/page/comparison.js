// Two runs side by side on the same numbers: their losses, and where they part.
import { firstDifference } from "./difference.js";
import { TrainingRun } from "./training_run.js";

const PARTED = 0.01; // relative difference of two losses that a reader would see

export class RunComparison {
  constructor(one, other, own = null) {
    this.runs = [one, other].map((settings) => new TrainingRun(settings, own));
    this.first = null; // the first entry that differs at all
    this.parted = null; // the first step whose losses differ by more than PARTED
    const [left, right] = this.runs;
    for (const name of Object.keys(left.state.arrays)) this.look(name, "", 0);
    this.aligned = left.lines.length === right.lines.length && left.lines.every((line, at) => line.id === right.lines[at].id);
  }

  look(variable, code, step) {
    const [one, other] = this.runs.map((run) => run.state.arrays[variable]);
    if (this.first || !one || !other) return;
    const difference = firstDifference(one, other);
    if (difference) this.first = { variable, line: code, step, ...difference };
  }

  step() {
    const [one, other] = this.runs;
    const number = one.losses.length;
    if (this.aligned && !this.first) {
      for (let at = 0; at < one.lines.length && !one.stopped && !other.stopped; at++) {
        const line = one.stepLine();
        other.stepLine();
        if (one.stopped || other.stopped) break;
        for (const name of line.writes) this.look(name, line.code, number);
      }
    } else {
      for (const run of this.runs) run.stepIteration();
      if (!this.first) for (const name of ["loss", ...one.weights]) this.look(name, "", number);
    }
    const [a, b] = this.runs.map((run) => run.losses[number]);
    const apart = Math.abs(a - b) > PARTED * Math.max(Math.abs(a), Math.abs(b)) || Number.isFinite(a) !== Number.isFinite(b);
    if (this.parted === null && apart) this.parted = number;
    return !this.runs.some((run) => run.stopped || run.diverged !== null);
  }

  outcome() {
    const { first, parted } = this;
    return { first, parted, losses: this.runs.map((run) => run.losses), stopped: this.runs.map((run) => run.stopped), steps: this.runs[0].losses.length };
  }
}
