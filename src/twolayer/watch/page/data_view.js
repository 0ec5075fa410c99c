// Own data, and what can be taken away: scripts that print the same losses, arrays, a link.
import { csvText, jsonText, safetensorsBytes, scriptEngines, scriptText, tableText } from "./exports.js";
import { make, option } from "./elements.js";
import { checkedTable, looksLikeClasses, readTable, TableFault, tableArrays } from "./own_table.js";

export class DataView {
  constructor(app) {
    this.app = app;
    this.message = make("div", { role: "status" });
    this.choices = make("div", {});
    this.script = make("pre", { tabindex: "0", "aria-label": app.say("code") });
    this.engine = "numpy";
    this.element = make("div", { class: "stack" }, this.ownPart(), this.codePart(), this.arraysPart());
    if (app.table) this.showChoices();
    this.writeScript();
  }

  get want() {
    return [];
  }

  ownPart() {
    const { app } = this;
    const input = make("input", { type: "file", id: "own-file", accept: ".csv,.tsv,.txt,text/csv", class: "hidden", onchange: () => input.files[0] && this.read(input.files[0]) });
    const pick = make("button", { onclick: () => input.click() }, app.say("choose_file"));
    const drop = make("div", { class: "drop" }, make("p", {}, app.say("drop_here")), pick, make("label", { for: "own-file", class: "hidden" }, app.say("choose_file")), input);
    drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); }); // prettier-ignore
    drop.addEventListener("dragleave", () => drop.classList.remove("over"));
    drop.addEventListener("drop", (event) => { event.preventDefault(); drop.classList.remove("over"); if (event.dataTransfer.files[0]) this.read(event.dataTransfer.files[0]); }); // prettier-ignore
    return make("section", { class: "panel stack", "aria-label": app.say("own_data") }, make("h2", {}, app.say("own_data")), make("p", {}, app.say("own_text")), drop, this.message, this.choices);
  }

  async read(file) {
    const { app } = this;
    try {
      const bytes = await file.arrayBuffer();
      let text;
      try {
        text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      } catch {
        throw new TableFault("csv_encoding");
      }
      app.table = { ...readTable(text), file: file.name };
      app.tableTarget = app.table.names.at(-1);
      app.tableClasses = null;
      this.showChoices();
      await this.use();
    } catch (fault) {
      this.refuse(fault);
    }
  }

  refuse(fault) {
    if (!(fault instanceof TableFault)) throw fault;
    this.message.replaceChildren(make("div", { class: "alert" }, make("p", {}, this.app.say(fault.key, fault.values))));
  }

  showChoices() {
    const { app } = this;
    const { names, rows } = app.table;
    const values = rows.map((row) => row[names.indexOf(app.tableTarget)]);
    const asClasses = app.tableClasses ?? looksLikeClasses(values);
    const target = make("select", { "data-do": "target", onchange: () => { app.tableTarget = target.value; app.tableClasses = null; this.showChoices(); this.use(); } }, names.map((name) => option(name, name, app.tableTarget))); // prettier-ignore
    const kind = make("select", { onchange: () => { app.tableClasses = kind.value === "classes"; this.use(); } }, ["classes", "numbers"].map((name) => option(name, app.say(name), asClasses ? "classes" : "numbers"))); // prettier-ignore
    const hidden = make("input", { type: "number", min: 1, max: 500, value: app.tableHidden, onchange: () => { app.tableHidden = Math.max(1, Math.min(500, Math.round(Number(hidden.value)) || 1)); this.use(); } }); // prettier-ignore
    const scale = make("input", { type: "checkbox", checked: app.tableScaled, onchange: () => { app.tableScaled = scale.checked; this.use(); } }); // prettier-ignore
    this.choices.replaceChildren(make("div", { class: "fields" },
      make("label", {}, app.say("target_column"), target), make("label", {}, app.say("target_kind"), kind),
      make("label", {}, app.say("hidden_units"), hidden), make("label", { class: "tick" }, scale, app.say("standardise")))); // prettier-ignore
    if (app.own) this.describe();
  }

  // Train on the table, or say what is wrong with it; returns whether it could be taken.
  async use(kept = null) {
    const { app } = this;
    try {
      const own = tableArrays(checkedTable(app.table), { target: app.tableTarget, standardise: app.tableScaled, asClasses: app.tableClasses });
      await app.useTable(own, kept);
      this.describe();
      this.writeScript();
      return true;
    } catch (fault) {
      this.refuse(fault);
      return false;
    }
  }

  describe() {
    const { app } = this;
    const { own, table } = app;
    const values = { file: table.file, rows: own.x.shape[0], unseen: own.newX?.shape[0] ?? 0, inputs: own.x.shape[1], outputs: own.y.shape[1], rate: app.settings.rate };
    this.message.replaceChildren(make("div", { class: "alert good" }, make("p", {}, app.say(own.classes ? "own_classes" : "own_numbers", values))));
  }

  codePart() {
    const { app } = this;
    const titles = (name) => app.text(app.texts.engines[name].title);
    const engines = make("select", { "aria-label": app.say("code_engine"), onchange: () => { this.engine = engines.value; this.writeScript(); } }, scriptEngines(app.settings).map((name) => option(name, titles(name), this.engine))); // prettier-ignore
    const copy = make("button", { onclick: () => this.copy(copy, this.script.textContent, () => getSelection().selectAllChildren(this.script)) }, app.say("copy"));
    const save = make("button", { onclick: () => download(`two_layer_${this.engine}.py`, this.script.textContent, "text/x-python") }, app.say("save"));
    return make("section", { class: "panel stack", "aria-label": app.say("code") }, make("h2", {}, app.say("code")), make("p", {}, app.say("code_text")), make("div", { class: "row" }, engines, copy, save), this.script);
  }

  writeScript() {
    const { app } = this;
    this.script.textContent = scriptText(app.settings, app.texts, { engine: this.engine, steps: 500, lang: app.lang });
  }

  // Copy a text; where the browser does not allow it, it is selected for the reader to copy.
  async copy(button, text, select) {
    const { app } = this;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = app.say("copied");
    } catch {
      select();
      button.textContent = app.say("selected");
    }
  }

  async copyLink(button) {
    const { app } = this;
    const { href, notes } = await app.fullLink();
    Object.assign(this.linkText, { value: href, hidden: false });
    this.linkNote.textContent = notes.map((name) => app.say(name)).join(" ");
    await this.copy(button, href, () => this.linkText.select());
  }

  arraysPart() {
    const { app } = this;
    const names = [...app.given, ...new Set(app.lines.flatMap((line) => line.writes))].filter((name, at, all) => all.indexOf(name) === at);
    const which = make("select", { "aria-label": app.say("variable") }, names.map((name) => option(name, name, "w1")));
    const start = make("input", { type: "checkbox" });
    const arrays = (variables) => app.session.ask("arrays", { variables, atStart: start.checked });
    const one = async () => {
      const found = await arrays([which.value]);
      if (found[which.value]) download(`${which.value}.csv`, csvText(found[which.value]), "text/csv");
    };
    const link = make("button", { onclick: () => this.copyLink(link), "data-do": "copy-link" }, app.say("copy_link"));
    this.linkText = make("input", { type: "text", class: "link", readonly: "", hidden: true, "aria-label": app.say("link") });
    this.linkNote = make("p", { role: "status", class: "small" });
    const table = async () => {
      const { x, y } = await arrays(["x", "y"]);
      download("table.csv", tableText(x, y, app.own ? [...app.own.names, ...app.own.targets] : null), "text/csv");
    };
    return make("section", { class: "panel stack", "aria-label": app.say("take_away") }, make("h2", {}, app.say("take_away")), make("p", {}, app.say("take_text")),
      make("div", { class: "fields" }, make("label", { class: "tick" }, start, app.say("at_start"))),
      make("div", { class: "row" }, which, make("button", { onclick: one }, app.say("save_csv")),
        make("button", { onclick: table }, app.say("save_table")),
        make("button", { onclick: async () => download("two_layer.json", jsonText(await arrays(names), app.settings), "application/json") }, app.say("save_json")),
        make("button", { onclick: async () => download("two_layer.safetensors", safetensorsBytes(await arrays(names), app.settings), "application/octet-stream") }, app.say("save_safetensors")), link), this.linkText, this.linkNote); // prettier-ignore
  }

  draw() {}
}

function download(name, content, type) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const anchor = make("a", { href: url, download: name });
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
