// The program's own thread: it answers the page's requests, and runs on between them.
import { deadUnits } from "./activity.js";
import { drawnShape, entry } from "./arrays.js";
import { RunComparison } from "./comparison.js";
import { largestCurvature, startDirection } from "./curvature.js";
import { DifferenceFinder } from "./difference.js";
import { planeMap, pooled, rowsRight, thinned, unitMap } from "./frame.js";
import { trialRates } from "./rate_scale.js";
import { rateEnds, trialOutcome } from "./rate_zones.js";
import { TrainingRun } from "./training_run.js";

const TURN_MS = 12; // of work before requests are looked at again
const MOST_TIMES = 300; // in the picture of the units over time
const UNSEEN_EVERY = 10; // steps between two losses on the rows that training does not see

export class ProgramHost {
  constructor(send) {
    this.send = send;
    this.run = null;
    this.finder = null;
    this.speed = null; // { unit, perSecond } while the program runs on
    this.jobs = [];
    this.due = 0;
  }

  // The answer to one request of the page.
  answer(request) {
    return this[request.kind](request);
  }

  start({ settings, own }) {
    this.speed = null;
    this.own = own ?? null;
    this.pictures = {};
    this.run = new TrainingRun(settings, this.own);
    const right = settings.breaks.length ? new TrainingRun({ ...settings, breaks: [] }, this.own) : null;
    this.finder = right && new DifferenceFinder(this.run, right);
    return { setup: this.run.setup.map(plain), lines: this.run.lines.map(plain), given: this.run.given };
  }

  nextLine() {
    const line = this.run.stepLine();
    if (this.finder) this.finder.check(line);
    const { run } = this;
    if (line?.id === "loss" && (run.iteration % UNSEEN_EVERY === 0 || run.iteration < UNSEEN_EVERY)) run.unseenLosses.push([run.iteration, run.unseenLoss()]);
    return line;
  }

  nextStep() {
    const { run } = this;
    do this.nextLine();
    while (!run.stopped && run.place % run.lines.length);
  }

  move({ unit, by }) {
    this.speed = null;
    const { run } = this;
    const n = run.lines.length;
    if (by > 0) {
      if (unit === "line") this.nextLine();
      else this.nextStep();
    } else if (unit === "line") this.back(Math.max(0, run.place - 1));
    else this.back(Math.max(0, (Math.ceil(run.place / n) - 1) * n));
    return {};
  }

  back(place) {
    this.run.seek(place);
    if (this.finder && !this.finder.found) this.finder.step = -1;
  }

  seek({ place }) {
    this.speed = null;
    if (place < this.run.place) this.back(place);
    while (this.run.place < place && !this.run.stopped) this.nextLine();
    return {};
  }

  go({ speed }) {
    this.speed = speed;
    this.due = performance.now();
    return {};
  }

  pause() {
    this.speed = null;
    return {};
  }

  // One turn of work; false where there is nothing to do, else the milliseconds to wait before the next.
  turn() {
    const began = performance.now();
    while (this.speed && performance.now() - began < TURN_MS) {
      const now = performance.now();
      if (now < this.due) break;
      if (this.speed.unit === "line") this.nextLine();
      else this.nextStep();
      this.due = Math.max(this.due + 1000 / this.speed.perSecond, now - 200);
      if (this.run.stopped || this.run.diverged !== null) this.speed = null;
    }
    while (this.jobs.length && performance.now() - began < TURN_MS) {
      const [job] = this.jobs;
      const { value, done } = job.work.next();
      if (value !== undefined) this.send({ job: job.name, round: job.round, value, done });
      if (done) this.jobs.shift();
    }
    if (this.jobs.length) return 0;
    return this.speed ? Math.max(0, this.due - performance.now()) : false;
  }

  // The state of the run, with what the page wants to draw.
  frame({ want = [], variables = [], from = 0, reach = null, isClasses = false }) {
    const { run } = this;
    const { arrays } = run.state;
    const frame = {
      place: run.place,
      iteration: run.iteration,
      position: run.position,
      losses: run.losses.slice(from),
      from,
      count: run.losses.length,
      stopped: run.stopped,
      diverged: run.diverged,
      running: this.speed !== null,
      found: this.finder?.found && this.finder.found.place <= run.place ? this.finder.found : null,
      ages: Object.fromEntries(variables.map((name) => [name, run.age(name)])),
      matrices: {},
    };
    if (want.includes("matrices")) for (const name of variables) if (arrays[name]) frame.matrices[name] = this.picture(name);
    if (want.includes("losses")) {
      frame.unseen = run.unseenLosses;
      frame.predictZero = run.state.arrays.y.data.reduce((sum, value) => sum + value * value, 0);
      if (run.activity.length) frame.dead = { before: deadUnits(run.activity[0]), now: deadUnits(run.activity.at(-1)) };
      if (isClasses) frame.right = rowsRight(run);
    }
    if (want.includes("units")) Object.assign(frame, { units: unitMap(run), activity: thinned(run.activity, MOST_TIMES) });
    if (want.includes("plane")) frame.plane = planeMap(run, isClasses, reach);
    return frame;
  }

  // A pooled matrix; that of one that no line writes is made once.
  picture(name) {
    const array = this.run.state.arrays[name];
    if (name !== "x" && name !== "y") return pooled(array);
    this.pictures[name] ??= pooled(array);
    return this.pictures[name];
  }

  // Exact values of a part of a variable.
  cells({ variable, row, column, rows, columns }) {
    const array = this.run.state.arrays[variable];
    if (!array) return null;
    const [all, wide] = drawnShape(array);
    const firstRow = Math.max(0, Math.min(row, all - rows));
    const firstColumn = Math.max(0, Math.min(column, wide - columns));
    const values = [];
    for (let r = firstRow; r < Math.min(all, firstRow + rows); r++) {
      values.push(Array.from({ length: Math.min(columns, wide - firstColumn) }, (_, c) => entry(array, r, firstColumn + c)));
    }
    return { variable, shape: array.shape, drawn: [all, wide], firstRow, firstColumn, values };
  }

  trace({ variable, row, column }) {
    const array = this.run.state.arrays[variable];
    if (!array) return { age: "none" };
    const [rows, columns] = drawnShape(array);
    const [r, c] = [Math.min(row, rows - 1), Math.min(column, columns - 1)];
    const trace = this.run.trace(variable, r, c);
    return { age: this.run.age(variable), variable, row: r, column: c, value: entry(array, r, c), shape: array.shape, trace };
  }

  // All numbers of some variables: the weights as they start, or as they are now.
  arrays({ variables, atStart = false }) {
    const run = atStart ? new TrainingRun(this.run.settings, this.own) : this.run;
    const known = variables.filter((name) => run.state.arrays[name]);
    return Object.fromEntries(known.map((name) => [name, { shape: run.state.arrays[name].shape, data: run.state.arrays[name].data.slice() }]));
  }

  // The largest curvature of the loss at the weights as they are now.
  curvature() {
    const { state, settings } = this.run;
    if (settings.breaks.includes("flat_y")) return { curvature: NaN };
    const arrays = Object.fromEntries(Object.entries(state.arrays).map(([name, array]) => [name, { ...array, data: Float64Array.from(array.data) }]));
    return { curvature: largestCurvature(arrays, settings, startDirection(arrays, settings)), step: Math.ceil(this.run.place / this.run.lines.length) };
  }

  // Long jobs, each in small turns; the page hears of each result.
  job({ name, round, ...given }) {
    this.jobs = this.jobs.filter((other) => other.name !== name);
    this.jobs.push({ name, round, work: JOBS[name](given) });
    return {};
  }
}

const JOBS = {
  *trials({ settings, own }) {
    const ends = rateEnds(settings, own);
    yield { ends };
    for (const tried of trialRates(ends)) yield trialOutcome(settings, own, tried);
    const run = new TrainingRun({ ...settings, breaks: [], dtype: "float64" }, own);
    yield { curvature: largestCurvature(run.state.arrays, run.settings, startDirection(run.state.arrays, run.settings)) };
  },
  *comparison({ one, other, steps, own }) {
    const comparison = new RunComparison(one, other, own);
    for (let step = 0; step < steps; step++) {
      const goesOn = comparison.step();
      if (!goesOn) break;
      yield step % 5 === 4 ? comparison.outcome() : undefined;
    }
    yield { ...comparison.outcome(), finished: true };
  },
};

// A line as the page needs it.
function plain({ id, part, code, reads, writes, changed, removed, original, kind }) {
  return { id, part, code, reads, writes, changed, removed: Boolean(removed), original, kind };
}

// Answer requests in a worker's scope: { serial, kind, ... } gets { serial, answer }.
export function serve(scope) {
  const host = new ProgramHost((message) => scope.postMessage(message));
  const channel = new MessageChannel();
  let waiting = false;
  let timer = null;
  const again = () => {
    const wait = host.turn();
    waiting = false;
    if (wait === false) return;
    if (wait > 1) timer = setTimeout(wake, wait);
    else wake();
  };
  const wake = () => {
    clearTimeout(timer);
    if (!waiting) channel.port2.postMessage(0);
    waiting = true;
  };
  channel.port1.onmessage = again;
  scope.onmessage = ({ data }) => {
    const { serial, ...request } = data;
    try {
      scope.postMessage({ serial, answer: host.answer(request) });
    } catch (error) {
      scope.postMessage({ serial, error: String(error.stack ?? error) });
    }
    wake();
  };
}
