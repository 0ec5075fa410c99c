// What a learning rate does, tried: a short run from the same numbers at each of many rates.
import { TrainingRun } from "./training_run.js";

export const ZONES = ["smooth", "rises", "kills", "diverges"];
const TRIAL_STEPS = 25;

// Units that are off on every row.
function deadUnits(on) {
  let dead = 0;
  for (const rows of on) if (rows === 0) dead += 1;
  return dead;
}

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

// The rates to try: three per factor of ten around this one, the nearest first.
export function trialRates(rate) {
  const centre = Math.round(3 * Math.log10(rate));
  const rates = [];
  for (let away = 0; away <= 6; away++) for (const side of away ? [1, -1] : [1]) rates.push(10 ** ((centre + side * away) / 3));
  return rates;
}
