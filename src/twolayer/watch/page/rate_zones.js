// What a learning rate does, tried: a short run from the same numbers at each of many rates.
import { largestCurvature, startDirection } from "./curvature.js";
import { deadUnits } from "./activity.js";
import { scaleEnds } from "./rate_scale.js";
import { usualRate } from "./settings.js";
import { TrainingRun } from "./training_run.js";

const TRIAL_STEPS = 25;
const ROUGH_TURNS = 5; // of the search for the largest curvature, for the scale

// The zone of one learning rate, and what the trial saw.
export function trialOutcome(settings, own, rate, steps = TRIAL_STEPS) {
  const run = new TrainingRun({ ...settings, rate, breaks: [], dtype: "float64" }, own);
  const dead = [];
  for (let step = 0; step < steps; step++) {
    run.stepIteration();
    dead.push(deadUnits(run.activity[step]));
    const loss = run.losses[step];
    if (!Number.isFinite(loss)) {
      return { rate, zone: "diverges", dead: dead.at(-1), last: loss, steps: step };
    }
  }
  const rose = run.losses.some((loss, step) => step > 0 && loss > run.losses[step - 1] * (1 + 1e-9));
  const killed = settings.activation === "relu" && dead.at(-1) - dead[0] >= Math.max(1, settings.hidden / 20);
  const last = run.losses.at(-1);
  const grew = last > 2 * run.losses[0];
  const zone = grew ? "diverges" : killed ? "kills" : rose ? "rises" : "smooth";
  return { rate, zone, dead: dead.at(-1), last, steps };
}

// The ends of the scale: around the rate that is usual for these sizes; for sizes that no preset has, around 2/λ, roughly.
// They don't depend on the rate that is chosen, and so stay where they are.
export function rateEnds(settings, own = null) {
  return scaleEnds(usualRate(settings) ?? 2 / roughCurvature(settings, own));
}

function roughCurvature(settings, own) {
  const { state } = new TrainingRun({ ...settings, breaks: [], dtype: "float64" }, own);
  return largestCurvature(state.arrays, settings, startDirection(state.arrays, settings), ROUGH_TURNS);
}
