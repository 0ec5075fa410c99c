// The scale of learning rates: whole powers of ten on either side of a middle, and the rates on it that are tried.

export const ZONES = ["smooth", "rises", "kills", "diverges"];
const HALF_SCALE = 2; // factors of ten on either side of the middle
const PER_TEN = 3; // trials
export const TRIALS = 2 * HALF_SCALE * PER_TEN + 1;

// The ends around a rate, as powers of ten.
export function scaleEnds(middle) {
  const power = Number.isFinite(Math.log10(middle)) ? Math.round(Math.log10(middle)) : -HALF_SCALE; // a flat loss takes any rate
  return [power - HALF_SCALE, power + HALF_SCALE];
}

// The rates to try from one end of the scale to the other, those in the middle first.
export function trialRates([low, high]) {
  const places = Array.from({ length: (high - low) * PER_TEN + 1 }, (_, at) => low * PER_TEN + at);
  const away = (place) => Math.abs(place / PER_TEN - (low + high) / 2);
  return places.sort((a, b) => away(a) - away(b)).map((place) => 10 ** (place / PER_TEN));
}
