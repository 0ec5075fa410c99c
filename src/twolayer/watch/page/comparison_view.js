// Two runs side by side on the same numbers: their curves, and where they part.
import { possibleBreaks } from "./break_view.js";
import { colour, make, option, shortNumber, tableBehind } from "./elements.js";
import { drawLineChart } from "./line_chart.js";
import { rateText, readRate } from "./settings.js";

const MOST_STEPS = 5000;

export class ComparisonView {
  constructor(app) {
    this.app = app;
    const { settings } = app;
    app.sides ??= [
      { rate: settings.rate, dtype: "float64", activation: settings.activation, mistake: "" },
      { rate: settings.rate, dtype: "float32", activation: settings.activation, mistake: "" },
    ];
    app.comparedSteps ??= 200;
    this.chart = make("canvas", { class: "wide-canvas", role: "img", "aria-label": app.say("comparison_chart"), hidden: true });
    this.result = make("div", { class: "stack", role: "status" });
    this.table = tableBehind(app.say("table_losses"), [app.say("step"), "A", "B"], () => this.rows());
    this.start = make("button", { class: "main", onclick: () => this.compare(), "data-do": "compare" }, app.say("compare"));
    const steps = make("input", { type: "number", min: 1, max: MOST_STEPS, value: app.comparedSteps, onchange: () => (app.comparedSteps = Math.max(1, Math.min(MOST_STEPS, Math.round(Number(steps.value)) || 1))) });
    this.element = make("div", { class: "stack" },
      make("p", {}, app.say("compare_text")),
      make("div", { class: "grid-2" }, app.sides.map((side, at) => this.side(side, "AB"[at]))),
      make("div", { class: "fields" }, make("label", {}, app.say("steps"), steps), this.start),
      make("section", { class: "panel stack", "aria-label": app.say("comparison_chart") }, this.result, this.chart, this.table)); // prettier-ignore
    this.table.hidden = true; // until there is something to draw
    this.result.append(make("p", { class: "muted" }, app.say("compare_none")));
  }

  get want() {
    return [];
  }

  side(side, name) {
    const { app } = this;
    const choice = (key, values, text = (value) => value) =>
      make("label", {}, app.say(key), make("select", { "data-side": `${name}-${key}`, onchange: (event) => (side[key] = event.target.value) }, values.map((value) => option(value, text(value), side[key]))));
    const rate = make("input", { type: "text", inputmode: "decimal", size: 9, value: rateText(side.rate), "data-side": `${name}-rate`, onchange: () => { side.rate = readRate(rate.value) || side.rate; rate.value = rateText(side.rate); } }); // prettier-ignore
    const mistakes = ["", ...possibleBreaks(app.settings)];
    return make("fieldset", { class: "panel stack" },
      make("legend", { class: "hidden" }, app.say("run_named", { name })), make("h2", {}, app.say("run_named", { name })),
      make("div", { class: "fields" },
        make("label", {}, app.say("learning_rate"), rate),
        app.session.server ? choice("engine", app.session.server.engines, (value) => app.text(app.texts.engines[value].title)) : null,
        choice("dtype", ["float64", "float32"]), choice("activation", ["relu", "identity"]),
        choice("mistake", mistakes, (value) => (value ? app.text(app.texts.mistakes[value].title) : app.say("no_mistake"))))); // prettier-ignore
  }

  compare() {
    const { app } = this;
    const [one, other] = app.sides.map(({ rate, dtype, activation, mistake, engine }) => ({ ...app.settings, engine, rate, dtype, activation, breaks: mistake ? [mistake] : [] }));
    this.started = performance.now();
    app.session.comparer.begin("comparison", { one, other, steps: app.comparedSteps, own: app.own }, (outcome) => this.show(outcome));
    this.result.replaceChildren(make("p", { class: "muted" }, app.say("compare_runs")));
  }

  rows() {
    const [one, other] = this.outcome?.losses ?? [[], []];
    const every = Math.max(1, Math.ceil(one.length / 200));
    return one.map((loss, step) => [String(step), shortNumber(loss, 8), shortNumber(other[step], 8)]).filter((_, step) => step % every === 0 || step === one.length - 1);
  }

  show(outcome) {
    const { app } = this;
    this.outcome = outcome;
    this.chart.hidden = this.table.hidden = false;
    const curves = outcome.losses.map((losses, at) => ({ points: losses.map((loss, step) => [step, loss]), colour: colour(at ? "high" : "accent"), dashed: at === 1 }));
    drawLineChart(this.chart, { curves, isLog: true, xTitle: app.say("step") });
    const { first, parted } = outcome;
    const lines = [];
    if (!first && outcome.finished) lines.push(app.say("compare_same", { steps: outcome.steps }));
    if (first?.row !== undefined) lines.push(app.say("compare_first", { step: first.step, name: `${first.variable}[${first.row}, ${first.column}]`, one: shortNumber(first.value, 9), other: shortNumber(first.expected, 9) }));
    else if (first) lines.push(app.say("compare_shapes", { name: first.variable }));
    if (parted !== null) lines.push(app.say("compare_parted", { step: parted }));
    else if (first && outcome.finished) lines.push(app.say("compare_close", { steps: outcome.steps }));
    outcome.stopped.forEach((stopped, at) => stopped && lines.push(`${"AB"[at]}: ${stopped.type}: ${stopped.message}`));
    const last = outcome.losses.map((losses) => shortNumber(losses.at(-1), 6));
    if (outcome.finished) lines.push(app.say("compare_last", { steps: outcome.steps, one: last[0], other: last[1] }));
    this.result.replaceChildren(
      make("p", { class: "legend" }, outcome.losses.map((_, at) => { const mark = make("i"); mark.style.background = colour(at ? "high" : "accent"); return make("span", {}, mark, app.say("run_named", { name: "AB"[at] })); })),
      ...lines.map((text) => make("p", {}, text)),
    ); // prettier-ignore
    this.result.dataset.finished = String(Boolean(outcome.finished));
    this.table.fill();
  }

  draw() {
    if (this.outcome && this.theme !== this.app.theme) this.show(this.outcome);
    this.theme = this.app.theme;
  }
}
