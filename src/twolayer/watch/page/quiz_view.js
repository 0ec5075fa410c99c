// The page of questions: one on the line that runs next, its answer, and the score.
import { shapeText } from "./arrays.js";
import { make, exactNumber, shortNumber } from "./elements.js";
import { isRight, quizQuestion, signOf } from "./quiz.js";

const place = ({ name, row, column }, shape) => (shape?.length === 1 ? `${name}[${column}]` : `${name}[${row}, ${column}]`);

export class QuizView {
  constructor(app) {
    this.app = app;
    app.score ??= { right: 0, asked: 0 };
    this.element = make("section", { class: "panel stack", "aria-label": app.say("tab_quiz") });
  }

  get want() {
    return [];
  }

  draw(frame) {
    const key = JSON.stringify([frame.place, frame.stopped, frame.running, this.app.settings]);
    if (key === this.key || this.checking) return;
    this.key = key;
    this.ask(frame);
  }

  async ask(frame) {
    const { app } = this;
    const line = app.lines[frame.place % app.lines.length];
    if (app.settings.breaks.length || frame.stopped || frame.running) {
      this.element.replaceChildren(make("h2", {}, app.say("tab_quiz")), make("p", {}, app.say(frame.running ? "quiz_running" : "quiz_broken")));
      return;
    }
    const question = quizQuestion(line, app.settings, frame.place);
    const known = await Promise.all((question.cells ?? []).map(({ name, row, column }) => app.session.ask("cells", { variable: name, row, column, rows: 1, columns: 1 })));
    const given = known.map((cells, at) => [place(question.cells[at], cells.shape), cells.values[0][0]]);
    if (line.kind === "update") given.push(["learning_rate", app.settings.rate]);
    const name = question.kind === "shape" ? question.variable : place({ name: question.variable, row: question.row, column: question.column }, question.shape);
    const children = [
      make("div", { class: "row" }, make("h2", {}, app.say("tab_quiz")), app.score.asked ? make("span", { class: "muted", "data-score": "" }, app.say("score", app.score)) : null),
      make("p", { class: "muted" }, app.say("quiz_next")),
      make("pre", {}, line.code),
      given.length ? make("p", { class: "formula" }, given.map(([text, value]) => `${text} = ${shortNumber(value, 5)}`).join(",  ")) : null,
      make("p", { class: "question" }, app.say(`quiz_${question.kind}`, { name })),
      this.answers(question, line),
    ];
    this.element.replaceChildren(...children.filter(Boolean));
  }

  answers(question, line) {
    const { app } = this;
    const button = (text, answer) => make("button", { "data-answer": text, onclick: () => this.check(question, answer, line) }, text);
    if (question.kind === "shape") return make("div", { class: "answers" }, question.choices.map((shape) => button(shapeText(shape), shape)));
    if (question.kind === "sign") return make("div", { class: "answers" }, ["positive", "zero", "negative"].map((sign) => button(app.say(`sign_${sign}`), sign)));
    const input = make("input", { type: "text", inputmode: "decimal", autocomplete: "off", "aria-label": app.say("your_value") });
    const send = (event) => {
      event.preventDefault();
      const value = Number(input.value.replace("−", "-").replace(",", "."));
      if (input.value.trim() === "" || Number.isNaN(value)) {
        input.setAttribute("aria-invalid", "true");
        hint.textContent = app.say("quiz_number");
        return;
      }
      this.check(question, value, line);
    };
    const hint = make("p", { class: "small muted", role: "status" }, app.say("quiz_tolerance"));
    return make("form", { class: "stack", onsubmit: send }, make("div", { class: "row" }, input, make("button", { class: "main", type: "submit" }, app.say("check"))), hint);
  }

  // The line runs, and its result is the answer.
  async check(question, answer, line) {
    const { app } = this;
    this.checking = true;
    await app.session.ask("move", { unit: "line", by: 1 });
    let value = null;
    if (question.kind !== "shape") {
      const cells = await app.session.ask("cells", { variable: question.variable, row: question.row, column: question.column, rows: 1, columns: 1 });
      [[value]] = cells.values;
      app.chosen = { variable: question.variable, row: question.row, column: question.column };
    }
    const right = isRight(question, answer, value);
    app.score.asked += 1;
    app.score.right += right ? 1 : 0;
    const truth = question.kind === "shape" ? shapeText(question.shape) : question.kind === "sign" ? `${app.say(`sign_${signOf(value)}`)} (${shortNumber(value, 5)})` : exactNumber(value);
    const text = app.texts.engines.numpy.lines[line.id];
    this.element.replaceChildren(
      make("div", { class: "row" }, make("h2", {}, app.say("tab_quiz")), make("span", { class: "muted", "data-score": "" }, app.say("score", app.score))),
      make("pre", {}, line.code),
      make("div", { class: `alert ${right ? "good" : ""}`, role: "status", "data-right": String(right) }, make("p", {}, app.say(right ? "quiz_right" : "quiz_wrong", { truth })), text ? make("p", {}, app.text(text.what)) : null),
      make("div", { class: "row" }, make("button", { class: "main", "data-do": "next_question", onclick: () => this.next() }, app.say("next_question"))),
    );
    this.element.querySelector("[data-do=next_question]").focus();
    app.requestFrame();
  }

  next() {
    this.checking = false;
    this.key = "";
    this.app.requestFrame();
  }
}
