// "Break it": switches that take one thing away from the right program, and what follows.
import { make, shortNumber } from "./elements.js";
import { BREAKS } from "./settings.js";

const TORCH_TRAPS = ["rebind", "rebind_no_grad", "recorded", "not_cleared"];

// The switches that this program has.
export function possibleBreaks({ activation, bias }) {
  return BREAKS.filter((name) => (name !== "mask" && name !== "copy" ? name !== "bias_sum" || bias : activation === "relu"));
}

export class BreakView {
  constructor(app) {
    this.app = app;
    this.outcome = make("div", { "aria-live": "polite", class: "stack" });
    const possible = possibleBreaks(app.settings);
    const missing = BREAKS.filter((name) => !possible.includes(name));
    this.element = make("div", { class: "stack" },
      make("p", {}, app.say("break_text")),
      make("div", { class: "grid-2" },
        make("fieldset", { class: "panel choices" }, make("legend", { class: "hidden" }, app.say("tab_break")), possible.map((name) => this.choice(name)),
          missing.length ? make("p", { class: "muted small" }, app.say("break_missing", { names: missing.map((name) => app.text(app.texts.mistakes[name].title)).join(app.lang === "zh" ? "；" : "; ") })) : null),
        this.outcome), this.torchTraps()); // prettier-ignore
  }

  // The traps that only PyTorch has: told, as this page runs NumPy's lines.
  torchTraps() {
    const { app } = this;
    const { mistakes } = app.texts;
    const traps = TORCH_TRAPS.filter((name) => mistakes[name]).map((name) => make("section", {}, make("h2", {}, app.text(mistakes[name].title)), make("p", {}, app.text(mistakes[name].why)), app.session.trapChoice(name)));
    return make("details", { class: "panel" }, make("summary", {}, app.say("torch_traps")), make("div", { class: "stack" }, traps));
  }

  get want() {
    return ["matrices"];
  }

  choice(name) {
    const { app } = this;
    const input = make("input", { type: "checkbox", checked: app.settings.breaks.includes(name), "data-break": name, "data-do": `break-${name}`, onchange: () => this.toggle(name, input.checked) });
    return make("label", {}, input, make("span", {}, app.text(app.texts.mistakes[name].title)));
  }

  toggle(name, on) {
    const { app } = this;
    app.change({ breaks: BREAKS.filter((other) => (other === name ? on : app.settings.breaks.includes(other))) });
  }

  draw(frame) {
    const { app } = this;
    const { breaks } = app.settings;
    const key = JSON.stringify([breaks, frame.found, frame.stopped, app.lang, Boolean(frame.place)]);
    if (key === this.key) return;
    this.key = key;
    if (!breaks.length) {
      this.outcome.replaceChildren(make("div", { class: "panel stack" }, make("p", { class: "muted" }, app.say("break_none"))));
      return;
    }
    const parts = breaks.map((name) => make("div", { class: "alert calm" }, make("p", {}, make("b", {}, app.text(app.texts.mistakes[name].title))), make("p", {}, app.text(app.texts.mistakes[name].why)), name === "mean" ? make("p", {}, app.say("mean_rate", this.meanRate())) : null));
    if (frame.stopped) parts.unshift(make("div", { class: "alert" }, make("p", {}, app.say("stopped_at", { code: app.currentLine().code })), make("p", { class: "code" }, `${frame.stopped.type}: ${frame.stopped.message}`)));
    if (frame.found) parts.unshift(make("div", { class: "alert", "data-found": frame.found.variable }, make("p", {}, app.foundText(frame.found)), this.numbers(frame.found)));
    else if (!frame.stopped) parts.unshift(make("div", { class: "panel" }, make("p", {}, app.say(frame.place ? "found_none" : "found_start"))));
    this.outcome.replaceChildren(...parts, make("div", { class: "row" },
      make("button", { onclick: () => app.untilFound() }, app.say("find_difference")),
      make("button", { class: "plain", onclick: () => app.change({ breaks: [] }) }, app.say("repair")))); // prettier-ignore
  }

  numbers(found) {
    const { app } = this;
    if (found.row === undefined) return null;
    return make("table", {}, make("tbody", {},
      make("tr", {}, make("th", { scope: "row", class: "text" }, app.say("here")), make("td", {}, shortNumber(found.value, 8))),
      make("tr", {}, make("th", { scope: "row", class: "text" }, app.say("right_program")), make("td", {}, shortNumber(found.expected, 8))))); // prettier-ignore
  }

  meanRate() {
    const { rows, outputs, rate } = this.app.settings;
    return { count: rows * outputs, rate: shortNumber(rate * rows * outputs, 3) };
  }
}
