// What training does: the loss curve, and the learning rate with its zones.
import { colour, drawing, make, setText, shortNumber, tableBehind } from "./elements.js";
import { drawLineChart } from "./line_chart.js";
import { TRIALS, ZONES } from "./rate_scale.js";
import { rateText, readRate, roundedRate } from "./settings.js";

const ZONE_COLOURS = { smooth: "#4f9d6b", rises: "#d9b13b", kills: "#a06bb5", diverges: "#c8524a" };
const RATE_STEP = 12; // positions of the slider per factor of ten
const SMALL_RATE = 1e-3; // up to which a reader asks why it is so small
const NEAR_ZERO = 0.8; // a share of the loss of predicting 0, above which little is gained
const TRIAL_REACH = 10 ** (1 / 6); // from a trial's rate to the ends of its colour

export class LearningView {
  constructor(app) {
    this.app = app;
    this.isLog = app.isLog ?? true;
    this.chart = make("canvas", { class: "wide-canvas", role: "img", "aria-label": app.say("loss_curve") });
    this.legend = make("p", { class: "legend" });
    this.note = make("p", { "aria-live": "polite" });
    this.strip = make("canvas", { role: "img", "aria-label": app.say("zones") });
    this.strip.addEventListener("click", (event) => this.pick(event));
    this.outcome = make("p", { class: "small muted" });
    this.table = tableBehind(app.say("table_losses"), [app.say("step"), app.say("loss")], () => this.lossRows());
    this.zoneTable = tableBehind(app.say("table_zones"), [app.say("learning_rate"), app.say("zone"), app.say("loss_after"), app.say("dead_units")], () => this.zoneRows());
    this.element = make("div", { class: "stack" }, this.curvePart(), this.ratePart());
  }

  get want() {
    return ["losses"];
  }

  curvePart() {
    const { app } = this;
    const scale = (isLog) =>
      make("label", { class: "row" }, make("input", { type: "radio", name: "scale", checked: this.isLog === isLog, onchange: () => { this.isLog = app.isLog = isLog; app.requestFrame(); } }), app.say(isLog ? "log" : "linear")); // prettier-ignore
    return make("section", { class: "panel stack", "aria-label": app.say("loss_curve") },
      make("div", { class: "row" }, make("h2", {}, app.say("loss_curve")), scale(true), scale(false)),
      this.chart, this.legend, this.note, this.table); // prettier-ignore
  }

  ratePart() {
    const { app } = this;
    const { rate } = app.settings;
    this.typed = make("input", { type: "text", inputmode: "decimal", size: 9, id: "typed-rate", value: rateText(rate), class: "number", onchange: () => this.choose(readRate(this.typed.value)) });
    this.fault = make("p", { role: "alert", class: "small" });
    this.slider = make("input", {
      type: "range", id: "rate", disabled: true, "aria-label": app.say("learning_rate"), "aria-valuetext": rateText(rate),
      oninput: () => this.show(this.sliderRate),
      onchange: () => this.choose(this.sliderRate),
    }); // prettier-ignore
    this.scale = make("div", { class: "scale number", "aria-hidden": "true" });
    return make("section", { class: "panel stack", "aria-label": app.say("learning_rate") },
      make("div", { class: "row" }, make("h2", {}, app.say("learning_rate")), make("label", { class: "row code" }, "learning_rate =", this.typed)),
      this.fault,
      make("div", { class: "rate" }, this.strip, this.slider, this.scale),
      make("p", { class: "legend" }, ZONES.map((zone) => make("span", {}, make("i", { class: `swatch-${zone}` }), app.say(`zone_${zone}`)))),
      this.outcome, this.zoneTable); // prettier-ignore
  }

  // The rate at which the slider stands.
  get sliderRate() {
    return roundedRate(10 ** (this.slider.value / RATE_STEP));
  }

  show(rate) {
    this.typed.value = rateText(rate);
    this.slider.setAttribute("aria-valuetext", rateText(rate));
  }

  choose(rate) {
    setText(this.fault, Number.isNaN(rate) ? this.app.say("rate_fault") : "");
    if (!Number.isNaN(rate)) this.app.change({ rate });
  }

  // Give the slider its ends, and its scale the numbers, once they are known.
  setEnds() {
    const ends = this.app.rateEnds;
    if (!ends || !this.slider.disabled) return;
    const [low, high] = ends;
    Object.assign(this.slider, { disabled: false, min: low * RATE_STEP, max: high * RATE_STEP, step: 1, value: Math.round(Math.log10(this.app.settings.rate) * RATE_STEP) });
    const powers = Array.from({ length: high - low + 1 }, (_, at) => low + at);
    this.scale.replaceChildren(...powers.map((power) => make("span", {}, shortNumber(10 ** power, 1))));
  }

  pick({ clientX }) {
    if (!this.app.rateEnds) return;
    const box = this.strip.getBoundingClientRect();
    const [low, high] = this.app.rateEnds;
    this.choose(roundedRate(10 ** (low + ((high - low) * (clientX - box.left)) / box.width)));
  }

  lossRows() {
    const { losses } = this.app;
    const every = Math.max(1, Math.ceil(losses.length / 200));
    return losses.map((loss, step) => [String(step), shortNumber(loss, 8)]).filter((_, step) => step % every === 0 || step === losses.length - 1);
  }

  zoneRows() {
    const { app } = this;
    return [...app.trials].sort((a, b) => a.rate - b.rate).map(({ rate, zone, last, dead }) => [shortNumber(rate, 2), app.say(`zone_${zone}`), shortNumber(last), String(dead)]);
  }

  draw(frame) {
    const { app } = this;
    const curves = [{ points: app.losses.map((loss, step) => [step, loss]), colour: colour("accent"), label: app.say("loss_now") }];
    if (frame.unseen?.length) curves.push({ points: frame.unseen.filter(([, loss]) => loss !== null), colour: colour("high"), label: app.say("loss_unseen") });
    if (app.previous?.losses.length > 1) curves.push({ points: app.previous.losses.map((loss, step) => [step, loss]), colour: colour("muted"), dashed: true, aside: true, label: app.say("loss_before", { setting: app.previous.name }) });
    const references = [{ value: frame.predictZero, colour: colour("muted") }];
    drawLineChart(this.chart, { curves, references, isLog: this.isLog, xTitle: app.say("step"), marker: app.losses.length ? [app.losses.length - 1, app.losses.at(-1)] : null });
    const key = [...curves.map(({ label, colour: shade }) => [label, shade]), [app.say("predict_zero", { value: shortNumber(frame.predictZero) }), colour("muted")]];
    const keyText = JSON.stringify(key);
    if (keyText !== this.keyText) {
      this.legend.replaceChildren(...key.map(([text, shade]) => swatch(text, shade)));
      this.keyText = keyText;
    }
    const text = this.sentence(frame);
    if (text !== this.note.textContent) this.note.textContent = text;
    if (!frame.running) this.table.fill();
    this.drawStrip();
  }

  // What happened so far, in a sentence.
  sentence(frame) {
    const { app } = this;
    const { losses } = app;
    if (frame.diverged !== null) return app.divergedText(frame.diverged);
    if (losses.length < 2) return app.say("loss_start");
    const [first, last] = [losses[0], losses.at(-1)];
    const top = losses.reduce((a, b) => Math.max(a, b));
    const values = { first: shortNumber(first), last: shortNumber(last), top: shortNumber(top), step: losses.length - 1, at: losses.indexOf(top) };
    const parts = [app.say(last >= first ? "loss_rose" : top > first ? "loss_rose_first" : "loss_fell", values)];
    if (last > NEAR_ZERO * frame.predictZero) parts.push(app.say(last > frame.predictZero ? "loss_worse_than_zero" : "loss_near_zero", { zero: shortNumber(frame.predictZero) }));
    const { before, now: dead } = frame.dead;
    if (dead > before && app.settings.activation === "relu") {
      parts.push(app.say("units_dead", { dead, units: app.settings.hidden }), app.say(top > first ? "units_died_fast" : "units_died", { before }));
    }
    if (frame.right) parts.push(app.say("rows_right", frame.right));
    const unseen = frame.unseen?.filter(([, loss]) => loss !== null).at(-1);
    if (unseen && app.settings.problem === "random" && last < frame.predictZero && unseen[1] > frame.predictZero) parts.push(app.say("loss_noise", { unseen: shortNumber(unseen[1]) }));
    return parts.join(" ");
  }

  drawStrip() {
    const { app } = this;
    if (app.trials.length !== this.tabled) this.zoneTable.fill();
    this.tabled = app.trials.length;
    const { context, width, height } = drawing(this.strip);
    this.setEnds();
    this.describe();
    context.fillStyle = colour("soft");
    context.fillRect(0, 0, width, height - 4);
    if (!app.rateEnds) return;
    const [low, high] = app.rateEnds;
    const x = (rate) => Math.max(0, Math.min(width, (width * (Math.log10(rate) - low)) / (high - low)));
    for (const { rate, zone } of app.trials) {
      context.fillStyle = ZONE_COLOURS[zone];
      context.fillRect(x(rate / TRIAL_REACH), 0, x(rate * TRIAL_REACH) - x(rate / TRIAL_REACH) + 0.5, height - 4);
    }
    context.fillStyle = colour("panel");
    for (let power = low + 1; power < high; power++) context.fillRect(x(10 ** power) - 0.5, height - 12, 1, 8);
    if (Number.isFinite(app.curvature)) this.drawLimit(context, x(2 / app.curvature), width, height);
    context.fillStyle = colour("ink");
    context.beginPath();
    const place = x(app.settings.rate);
    context.moveTo(place - 6, height);
    context.lineTo(place + 6, height);
    context.lineTo(place, height - 9);
    context.fill();
  }

  // The line at 2/λ, with its number.
  drawLimit(context, place, width, height) {
    if (place <= 0 || place >= width) return;
    const text = `2/λ = ${shortNumber(2 / this.app.curvature, 2)}`;
    context.fillStyle = colour("ink");
    context.fillRect(place - 1, 0, 2, height);
    context.font = `600 12px ${getComputedStyle(document.body).fontFamily}`;
    context.textBaseline = "middle";
    const isLeft = place > width / 2;
    context.textAlign = isLeft ? "right" : "left";
    const wide = context.measureText(text).width + 8;
    context.fillStyle = colour("panel");
    context.fillRect(isLeft ? place - wide - 4 : place + 4, 7, wide, height - 18);
    context.fillStyle = colour("ink");
    context.fillText(text, place + (isLeft ? -8 : 8), height / 2 - 2);
  }

  describe() {
    const { app } = this;
    const parts = [];
    const { rate } = app.settings;
    const [low, high] = app.rateEnds ?? [-Infinity, Infinity];
    if (rate < 0.99 * 10 ** low || rate > 1.01 * 10 ** high) parts.push(app.say("rate_off_scale", { rate: rateText(rate) }));
    if (app.trials.length < TRIALS) parts.push(app.say("trials_run", { done: app.trials.length, all: TRIALS }));
    if (2 / app.curvature < SMALL_RATE) parts.push(app.say("why_small"));
    if (Number.isFinite(app.curvature)) parts.push(app.say("curvature", { curvature: shortNumber(app.curvature, 2), limit: shortNumber(2 / app.curvature, 2) }));
    const text = parts.join(" ");
    if (text !== this.outcome.textContent) this.outcome.textContent = text;
  }
}

function swatch(text, shade) {
  const mark = make("i");
  mark.style.background = shade;
  return make("span", {}, mark, text);
}
