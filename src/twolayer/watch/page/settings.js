// The settings of a program: presets, limits, and the text of a link that carries all of them.

export const BREAKS = ["mask", "copy", "order", "mean", "bias_sum", "accumulate", "zeros", "flat_y"];

const DEFAULTS = {
  program: "P1",
  problem: "random",
  rows: 64,
  inputs: 1000,
  hidden: 100,
  outputs: 10,
  bias: false,
  activation: "relu",
  rate: 1e-6,
  seed: 0,
  dtype: "float64",
  breaks: [],
};

const QUADRANTS = { problem: "quadrants", rows: 12, inputs: 2, hidden: 10, outputs: 4, bias: true, rate: 1e-5 };

export const PRESETS = {
  small: { rows: 4, inputs: 3, hidden: 5, outputs: 2, rate: 0.01 },
  P1: {},
  P2: { rate: 1e-7 },
  P3: { bias: true },
  P4: { ...QUADRANTS, activation: "identity" },
  P4relu: { ...QUADRANTS, activation: "relu" },
};

export const OWN_PROGRAM = "P3"; // whose lines a table of one's own is trained by

export const LIMITS = { rows: [1, 2000], inputs: [1, 5000], hidden: [1, 500], outputs: [1, 100] };
export const MOST_NUMBERS = 2_000_000; // of any one array: more would make a step slower than a second

const OF_THE_START = ["problem", "rows", "inputs", "hidden", "outputs", "bias", "activation"];

// The rate of the first preset that has this problem and these sizes; undefined where none has.
export function usualRate(settings) {
  const presets = Object.keys(PRESETS).map(presetSettings);
  return presets.find((preset) => OF_THE_START.every((name) => preset[name] === settings[name]))?.rate;
}

export function presetSettings(program) {
  return { ...DEFAULTS, program, ...PRESETS[program] };
}

// The places where these settings can't be run, as [setting, least, most]; an empty list where they can.
export function sizeFaults(settings) {
  const faults = Object.entries(LIMITS)
    .filter(([name, [least, most]]) => {
      const value = settings[name];
      return !Number.isInteger(value) || value < least || value > most;
    })
    .map(([name, [least, most]]) => [name, least, most]);
  const { rows, inputs, hidden } = settings;
  if (!faults.length && Math.max(rows * inputs, inputs * hidden) > MOST_NUMBERS) {
    faults.push(["numbers", 1, MOST_NUMBERS]);
  }
  return faults;
}

export function isRate(value) {
  return Number.isFinite(value) && value > 0;
}

// Two figures: 1.2e-6 rather than 1.2115276586285884e-6.
export function roundedRate(rate) {
  return Number(rate.toPrecision(2));
}

// A rate as it is written in Python: 1e-6, 0.01.
export function rateText(rate) {
  return rate < 1e-3 || rate >= 1e4 ? rate.toExponential() : String(rate);
}

// The rate that a reader wrote, or NaN.
export function readRate(text) {
  const rate = text.trim() === "" ? NaN : Number(text.trim().replace("−", "-"));
  return isRate(rate) ? rate : NaN;
}

const NUMBERS = ["rows", "inputs", "hidden", "outputs", "rate", "seed"];
const CHOICES = { activation: ["relu", "identity"], dtype: ["float64", "float32"] };

const OF_A_TABLE = ["rows", "inputs", "outputs"]; // the table decides them

// The text after # in a link: only what differs from the preset is written.
export function linkText(settings, place = {}) {
  const parts = new URLSearchParams();
  const preset = presetSettings(settings.program);
  const isOwn = settings.problem === "own";
  parts.set("program", isOwn ? "own" : settings.program);
  for (const name of [...NUMBERS, ...Object.keys(CHOICES)]) {
    if (isOwn && OF_A_TABLE.includes(name)) continue;
    if (settings[name] !== preset[name]) parts.set(name, String(settings[name]));
  }
  if (settings.bias !== preset.bias) parts.set("bias", settings.bias ? "1" : "0");
  if (settings.breaks.length) parts.set("break", settings.breaks.join("."));
  for (const [name, value] of Object.entries(place)) {
    if (value !== undefined && value !== null && value !== "") parts.set(name, String(value));
  }
  return parts.toString();
}

// The settings and the place that a link carries; what can't be used is left at the preset's. isOwn: the link is of a table
// of its maker's own, whose letters are `table` if it carries them.
export function readLink(text) {
  const parts = new URLSearchParams(text.replace(/^#/, ""));
  const isOwn = parts.get("program") === "own";
  const program = isOwn ? OWN_PROGRAM : parts.get("program");
  const settings = presetSettings(program in PRESETS ? program : DEFAULTS.program);
  for (const name of NUMBERS) {
    const value = parts.has(name) ? Number(parts.get(name)) : NaN;
    if (Number.isFinite(value)) settings[name] = value;
  }
  for (const [name, allowed] of Object.entries(CHOICES)) {
    if (allowed.includes(parts.get(name))) settings[name] = parts.get(name);
  }
  if (parts.has("bias")) settings.bias = parts.get("bias") === "1";
  const breaks = (parts.get("break") ?? "").split(".");
  settings.breaks = BREAKS.filter((name) => breaks.includes(name));
  const preset = presetSettings(settings.program);
  for (const [name] of sizeFaults(settings)) {
    if (name === "numbers") for (const size of Object.keys(LIMITS)) settings[size] = preset[size];
    else settings[name] = preset[name];
  }
  if (settings.problem === "quadrants") {
    for (const size of ["rows", "inputs", "outputs"]) settings[size] = preset[size];
  }
  if (!isRate(settings.rate)) settings.rate = preset.rate;
  if (!Number.isSafeInteger(settings.seed) || settings.seed < 0) settings.seed = 0;
  const place = Object.fromEntries(["lang", "tab", "step", "line", "theme", "engine"].map((name) => [name, parts.get(name)]));
  return { settings, place, isOwn, table: parts.get("table") };
}
