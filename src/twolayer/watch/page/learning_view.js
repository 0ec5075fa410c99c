// What training does: the loss curve, and the learning rate with its zones.
import { colour, drawing, make, shortNumber, tableBehind } from "./elements.js";
import { drawLineChart } from "./line_chart.js";
import { ZONES } from "./rate_zones.js";

const ZONE_COLOURS = { smooth: "#4f9d6b", rises: "#d9b13b", kills: "#a06bb5", diverges: "#c8524a" };
const RATE_STEP = 12; // positions of the slider per factor of ten

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
    const rate = app.settings.rate;
    const position = (value) => Math.round(Math.log10(value) * RATE_STEP);
    const output = make("output", { for: "rate", class: "number" });
    const show = (value) => (output.textContent = `learning_rate = ${shortNumber(value, 3)}`);
    const [low, high] = this.span();
    this.slider = make("input", {
      type: "range", id: "rate", min: position(low), max: position(high), step: 1, value: position(rate), "aria-label": app.say("learning_rate"),
      "aria-valuetext": shortNumber(rate, 3),
      oninput: () => show(roundedRate(10 ** (this.slider.value / RATE_STEP))),
      onchange: () => app.change({ rate: roundedRate(10 ** (this.slider.value / RATE_STEP)) }),
    }); // prettier-ignore
    show(rate);
    return make("section", { class: "panel stack", "aria-label": app.say("learning_rate") },
      make("div", { class: "row" }, make("h2", {}, app.say("learning_rate")), output),
      make("div", { class: "rate" }, this.strip, this.slider),
      make("p", { class: "legend" }, ZONES.map((zone) => make("span", {}, make("i", { class: `swatch-${zone}` }), app.say(`zone_${zone}`)))),
      this.outcome, this.zoneTable); // prettier-ignore
  }

  // The rates from one end of the strip to the other.
  span() {
    const centre = this.app.rateCentre;
    return [centre / 150, centre * 150];
  }

  pick({ clientX }) {
    const box = this.strip.getBoundingClientRect();
    const [low, high] = this.span();
    this.app.change({ rate: roundedRate(low * (high / low) ** ((clientX - box.left) / box.width)) });
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
    if (app.previous?.losses.length > 1) curves.push({ points: app.previous.losses.map((loss, step) => [step, loss]), colour: colour("muted"), dashed: true, label: app.say("loss_before", { setting: app.previous.name }) });
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
    if (frame.right) parts.push(app.say("rows_right", frame.right));
    const unseen = frame.unseen?.filter(([, loss]) => loss !== null).at(-1);
    if (unseen && app.settings.problem === "random" && last < frame.predictZero) parts.push(app.say("loss_noise", { unseen: shortNumber(unseen[1]) }));
    return parts.join(" ");
  }

  drawStrip() {
    const { app } = this;
    const { context, width, height } = drawing(this.strip);
    const [low, high] = this.span();
    const x = (rate) => (width * Math.log(rate / low)) / Math.log(high / low);
    const tried = [...app.trials].sort((a, b) => a.rate - b.rate);
    context.fillStyle = colour("soft");
    context.fillRect(0, 0, width, height - 4);
    tried.forEach(({ rate, zone }, at) => {
      const left = at ? x(Math.sqrt(rate * tried[at - 1].rate)) : x(rate / 1.47);
      const right = at < tried.length - 1 ? x(Math.sqrt(rate * tried[at + 1].rate)) : x(rate * 1.47);
      context.fillStyle = ZONE_COLOURS[zone];
      context.fillRect(left, 0, right - left + 0.5, height - 4);
    });
    const mark = (rate, text, shade) => {
      if (!(rate > low && rate < high)) return;
      context.fillStyle = shade;
      context.fillRect(x(rate) - 1, 0, 2, height);
      context.font = `600 12px ${getComputedStyle(document.body).fontFamily}`;
      context.textBaseline = "middle";
      const isLeft = x(rate) > width / 2;
      context.textAlign = isLeft ? "right" : "left";
      const wide = context.measureText(text).width + 8;
      context.fillStyle = colour("panel");
      context.fillRect(isLeft ? x(rate) - wide - 4 : x(rate) + 4, 7, wide, height - 18);
      context.fillStyle = colour("ink");
      context.fillText(text, x(rate) + (isLeft ? -8 : 8), height / 2 - 2);
    };
    mark(2 / app.curvature, `2/λ = ${shortNumber(2 / app.curvature, 2)}`, colour("ink"));
    context.fillStyle = colour("ink");
    context.beginPath();
    context.moveTo(x(app.settings.rate) - 6, height);
    context.lineTo(x(app.settings.rate) + 6, height);
    context.lineTo(x(app.settings.rate), height - 9);
    context.fill();
    this.describe();
  }

  describe() {
    const { app } = this;
    const parts = [];
    if (app.trials.length < 13) parts.push(app.say("trials_run", { done: app.trials.length, all: 13 }));
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

// Two figures: 1.2e-6 rather than 1.2115276586285884e-6.
export function roundedRate(rate) {
  return Number(rate.toPrecision(2));
}
