// A run of the program: line by line, step by step, and back again.
import { rowsOn } from "./activity.js";
import { ArrayError, copyOf, sumOfSquares } from "./arrays.js";
import { cellTrace } from "./cell_trace.js";
import { initialState, predict, setupLines, stepLines, weightNames } from "./network.js";
import { Generator } from "./random.js";

const CHECKPOINT_BYTES = 48e6;
const MOST_CHECKPOINTS = 400;

export class TrainingRun {
  constructor(settings, own = null) {
    this.settings = settings;
    this.setup = setupLines(settings);
    this.lines = stepLines(settings);
    this.state = initialState(settings, new Generator(settings.seed), own);
    this.weights = weightNames(settings);
    this.given = Object.keys(this.state.arrays);
    this.reset();
    if (settings.breaks.includes("accumulate")) this.weights = [...this.weights, ...this.weights.map((name) => `grad_${name}`)];
  }

  reset() {
    this.place = 0; // lines that have run, over all steps
    this.losses = [];
    this.unseenLosses = []; // [step, loss]
    this.activity = []; // by step: for each unit, the rows on which it is on
    this.writtenAt = {}; // variable: the place at which it was last written
    this.stopped = null; // { type, message }: the error that ended the program
    this.diverged = null; // the first step whose loss is not a finite number
    this.checkpoints = new Map();
    this.stride = 1;
    this.old = this.copyWeights();
    this.checkpoints.set(0, this.old);
  }

  // The step in which the last line ran, and how many of its lines have run.
  get iteration() {
    return this.place === 0 ? 0 : Math.floor((this.place - 1) / this.lines.length);
  }

  get position() {
    return this.place - this.iteration * this.lines.length;
  }

  copyWeights() {
    const { arrays } = this.state;
    return Object.fromEntries(this.weights.filter((name) => arrays[name]).map((name) => [name, copyOf(arrays[name])]));
  }

  startIteration(iteration) {
    if (iteration % this.stride) {
      this.old = this.scratch ??= this.copyWeights();
      for (const name of Object.keys(this.old)) this.old[name].data.set(this.state.arrays[name].data);
      return;
    }
    this.old = this.copyWeights();
    this.checkpoints.set(iteration, this.old);
    const bytes = Object.values(this.old).reduce((sum, { data }) => sum + data.byteLength, 0);
    const { size } = this.checkpoints;
    if (size * bytes <= CHECKPOINT_BYTES && size <= MOST_CHECKPOINTS) return;
    this.stride *= 2;
    for (const step of [...this.checkpoints.keys()]) if (step % this.stride) this.checkpoints.delete(step);
  }

  // Run the next line; return it, or null where the program has stopped.
  stepLine() {
    if (this.stopped) return null;
    const at = this.place % this.lines.length;
    const iteration = Math.floor(this.place / this.lines.length);
    if (at === 0 && this.place > 0) this.startIteration(iteration);
    const line = this.lines[at];
    this.place += 1;
    try {
      line.run(this.state);
    } catch (error) {
      if (!(error instanceof ArrayError)) throw error;
      this.stopped = { type: error.type, message: error.message };
      return line;
    }
    for (const name of line.writes) this.writtenAt[name] = this.place;
    if (line.id === "loss") this.noteLoss(iteration);
    return line;
  }

  noteLoss(iteration) {
    const loss = this.state.arrays.loss.data[0];
    this.losses[iteration] = loss;
    if (!Number.isFinite(loss) && this.diverged === null) this.diverged = iteration;
    this.activity[iteration] = rowsOn(this.state.arrays.h);
  }

  // Run to the end of the step.
  stepIteration() {
    do this.stepLine();
    while (!this.stopped && this.place % this.lines.length);
  }

  // Go to the place where that many lines have run, back or forth.
  seek(place) {
    if (place < this.place) this.restore(place);
    while (this.place < place && !this.stopped) this.stepLine();
  }

  restore(place) {
    const n = this.lines.length;
    const step = Math.max(0, Math.floor((place - 1) / n) - 1); // so that the step before left its arrays
    const from = Math.max(...[...this.checkpoints.keys()].filter((saved) => saved <= step));
    const { arrays } = this.state;
    for (const name of Object.keys(arrays)) if (!this.given.includes(name)) delete arrays[name];
    for (const [name, saved] of Object.entries(this.checkpoints.get(from))) arrays[name] = copyOf(saved);
    for (const saved of [...this.checkpoints.keys()]) if (saved > from) this.checkpoints.delete(saved);
    this.place = from * n;
    this.old = this.copyWeights();
    this.losses.length = this.activity.length = Math.min(this.losses.length, from);
    this.unseenLosses = this.unseenLosses.filter(([saved]) => saved <= from);
    this.writtenAt = {};
    this.stopped = null;
    if (this.diverged !== null && this.diverged >= from) this.diverged = null;
  }

  // The loss on the rows that training does not see, as if they were as many as those it sees; null where there are none.
  unseenLoss() {
    const { unseen, arrays } = this.state;
    if (!unseen || arrays.w1.shape[0] !== unseen.x.shape[1]) return null;
    return (sumOfSquares(predict(unseen.x, arrays, this.settings), unseen.y) * arrays.x.shape[0]) / unseen.x.shape[0];
  }

  // When a variable was last written: "now" (in this step), "before", "given", or "none".
  age(name) {
    if (!this.state.arrays[name]) return "none";
    const at = this.writtenAt[name];
    if (at === undefined) return "given";
    return at > this.iteration * this.lines.length ? "now" : "before";
  }

  // What a cell was computed from by the line that last wrote it; null where its numbers are no longer there.
  trace(variable, row, column) {
    const at = this.writtenAt[variable];
    const start = this.iteration * this.lines.length;
    if (at === undefined || at <= start) return null;
    const index = (at - 1) % this.lines.length;
    const old = { ...this.old };
    for (const name of Object.keys(old)) {
      const updated = this.lines.findIndex((line) => line.id === `update_${name}`);
      if (updated < index) delete old[name]; // the line read it after its update
    }
    const read = this.lines[index].kind === "update" ? this.old : old;
    return cellTrace(this.lines[index], this.state.arrays, variable, row, column, read);
  }
}
