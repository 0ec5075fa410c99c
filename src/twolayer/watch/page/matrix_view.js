// The matrices: a card for each variable, and under them the exact values of the chosen one.
import { shapeText } from "./arrays.js";
import { CellView } from "./cell_view.js";
import { make, setText, shortNumber } from "./elements.js";
import { cellUnder, drawHeatMap } from "./heat_map.js";

// In the order of the cards.
const VARIABLES = ["x", "y", "w1", "b1", "w2", "b2", "h", "h_relu", "y_pred", "loss"];
const GRADIENTS = ["grad_y_pred", "grad_w2", "grad_b2", "grad_h_relu", "grad_h", "mask", "grad_w1", "grad_b1"];
const MASK = "mask"; // the picture of h < 0, drawn from h

// The variables of a program, in the order of the cards.
export function variableNames(app) {
  const known = new Set([...app.given, ...app.lines.flatMap((line) => line.writes)]);
  return [...VARIABLES, ...GRADIENTS].filter((name) => known.has(name));
}

export class MatrixView {
  constructor(app) {
    this.app = app;
    this.cards = {};
    this.cells = new CellView(app);
    const known = variableNames(app);
    const masked = app.lines.some((line) => line.id === "mask");
    const shown = [...VARIABLES, ...GRADIENTS].filter((name) => known.includes(name) || (name === MASK && masked));
    this.element = make("div", { class: "stack" }, this.legend(),
      make("section", { class: "cards", "aria-label": app.say("all_variables") }, shown.map((name) => this.card(name))), this.cells.element); // prettier-ignore
  }

  get want() {
    return ["matrices"];
  }

  legend() {
    const { app } = this;
    const part = (kind, text) => make("span", {}, make("i", { class: kind }), text);
    return make("p", { class: "legend" },
      part("ramp", app.say("legend_ramp")), part("box-written", app.say("legend_written")), part("box-read", app.say("legend_read")), make("span", {}, app.say("legend_pale")),
      make("span", {}, app.say("legend_click"))); // prettier-ignore
  }

  card(name) {
    const { app } = this;
    const isMask = name === MASK;
    const title = isMask ? "h < 0" : name;
    const canvas = make("canvas", { "aria-hidden": "true" });
    const parts = { shape: make("span", { class: "shape" }), range: make("span", { class: "range" }), none: make("span", { class: "none" }), big: make("span", { class: "big" }), canvas };
    const meaning = isMask ? app.say("mask_meaning") : app.text(app.texts.variables[name] ?? { en: "", zh: "" });
    const variable = isMask ? "h" : name;
    const element = make("button", { class: "card", title: meaning, "data-variable": name, onclick: (event) => this.choose(variable, name, event) },
      make("span", { class: "head" }, make("span", { class: "name" }, title), parts.shape), parts.none, parts.big, canvas, parts.range); // prettier-ignore
    canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && this.hover(variable, name, event));
    canvas.addEventListener("pointerleave", () => this.cells.hover(null));
    this.cards[name] = { element, name, variable, isMask, ...parts };
    return element;
  }

  pointed(name, event) {
    const matrix = this.app.frame.matrices[name === MASK ? "h" : name];
    return matrix && matrix.shape.length ? cellUnder(this.cards[name].canvas, matrix, event) : { row: 0, column: 0 };
  }

  choose(variable, name, event) {
    const byPointer = event.detail > 0 && event.target === this.cards[name].canvas;
    const place = byPointer ? this.pointed(name, event) : { row: 0, column: 0 };
    this.cells.choose(variable, place.row, place.column);
  }

  hover(variable, name, event) {
    const { row, column } = this.pointed(name, event);
    this.cells.hover({ variable, row, column });
  }

  draw(frame) {
    const { app } = this;
    const line = app.currentLine();
    if (app.follow && line && frame.place !== this.place && !(frame.running && app.speed >= 2)) {
      const [variable] = line.writes;
      if (variable && !frame.stopped) this.cells.chosen = app.chosen = { ...this.cells.chosen, variable };
    }
    this.place = frame.place;
    const running = frame.running && app.speed >= 2;
    for (const card of Object.values(this.cards)) {
      const matrix = frame.matrices[card.variable];
      const age = card.isMask ? frame.ages.h : frame.ages[card.name];
      const wrong = frame.found?.variable === card.name ? frame.found : null;
      const classes = {
        written: !running && line && (card.isMask ? line.id === "mask" : line.writes.includes(card.name)),
        read: !running && line && !card.isMask && line.reads.includes(card.name),
        old: age === "before" && !running && !app.given.includes(card.variable),
        wrong: Boolean(wrong),
        chosen: this.cells.chosen.variable === card.name,
      };
      for (const [kind, on] of Object.entries(classes)) card.element.classList.toggle(kind, Boolean(on));
      if (classes.written) card.element.classList.remove("read");
      this.drawCard(card, matrix, wrong);
    }
    this.cells.draw(frame);
  }

  drawCard(card, matrix, wrong) {
    const { app } = this;
    const isNumber = matrix && matrix.shape.length === 0;
    const kind = matrix ? (isNumber ? "big" : "canvas") : "none";
    if (card.kind !== kind) for (const name of ["none", "big", "canvas"]) card[name].hidden = name !== kind;
    card.kind = kind;
    if (!matrix) {
      setText(card.none, app.say("not_computed"));
      for (const part of [card.shape, card.range]) setText(part, "");
      return;
    }
    setText(card.shape, shapeText(matrix.shape));
    if (isNumber) setText(card.big, shortNumber(app.frame.losses.at(-1) ?? matrix.values[0], 6));
    else drawHeatMap(card.canvas, matrix, app.palette, { isMask: card.isMask, marks: this.cells.marks(card.name, card.variable), wrong });
    const range = matrix.bad ? app.say("not_finite", { count: matrix.bad }) : `${shortNumber(matrix.low)} … ${shortNumber(matrix.high)}`;
    setText(card.range, card.isMask ? app.say("mask_range") : isNumber ? app.say("one_number") : range);
  }
}
