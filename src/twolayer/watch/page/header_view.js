// The top of the page: which program, its sizes and numbers, language and theme.
import { make, option } from "./elements.js";
import { LIMITS, PRESETS, presetSettings, sizeFaults } from "./settings.js";

export class HeaderView {
  constructor(app) {
    this.app = app;
    this.fault = make("span", { role: "alert", class: "small" });
    this.element = make("header", { class: "top" },
      make("h1", {}, app.say("title")), this.program(), this.engine(), app.session.choice(), this.seed(), this.sizes(), this.fault, app.session.status,
      make("span", { class: "spring" }), this.language(), this.theme()); // prettier-ignore
  }

  program() {
    const { app } = this;
    const names = app.settings.problem === "own" ? ["own", ...Object.keys(PRESETS)] : Object.keys(PRESETS);
    const select = make("select", { "data-do": "program", onchange: () => app.change({ ...presetSettings(select.value), seed: app.settings.seed }) },
      names.map((name) => option(name, app.say(`program_${name}`), app.settings.problem === "own" ? "own" : app.settings.program))); // prettier-ignore
    return make("label", {}, app.say("program"), select);
  }

  engine() {
    const { app } = this;
    const select = make("select", { "data-do": "engine", onchange: () => app.chooseEngine(select.value) },
      Object.keys(app.texts.engines).map((name) => option(name, app.text(app.texts.engines[name].title), app.engine))); // prettier-ignore
    return make("label", { title: app.say("written_title") }, app.say("written_in"), select);
  }

  seed() {
    const { app } = this;
    const input = make("input", { type: "number", min: 0, value: app.settings.seed, "data-do": "seed", onchange: () => {
      const seed = Number(input.value);
      if (input.value !== "" && Number.isSafeInteger(seed) && seed >= 0) app.change({ seed });
      else this.fault.textContent = app.say("seed_fault");
    } }); // prettier-ignore
    return make("label", { title: app.say("seed_title") }, app.say("seed"), input);
  }

  sizes() {
    const { app } = this;
    if (app.settings.problem !== "random") return null;
    const details = make("details", { open: app.sizesOpen ?? false, ontoggle: () => (app.sizesOpen = details.open) }, make("summary", { "data-do": "sizes" }, app.say("sizes")),
      make("div", { class: "fields" }, Object.keys(LIMITS).map((name) => this.size(name)))); // prettier-ignore
    return details;
  }

  size(name) {
    const { app } = this;
    const [least, most] = LIMITS[name];
    const input = make("input", { type: "number", min: least, max: most, value: app.settings[name], "data-do": `size-${name}`, onchange: () => {
      const chosen = { ...app.settings, [name]: Number(input.value) };
      const [fault] = sizeFaults(chosen);
      if (!fault) app.change({ [name]: chosen[name] });
      else this.fault.textContent = fault[0] === "numbers" ? app.say("numbers_fault", { most: String(fault[2]) }) : app.say("size_fault", { name: app.say(fault[0]), least: String(fault[1]), most: String(fault[2]) });
    } }); // prettier-ignore
    return make("label", {}, app.say(name), input);
  }

  language() {
    const { app } = this;
    const other = app.lang === "en" ? "zh" : "en";
    return make("button", { lang: other === "zh" ? "zh-CN" : "en", "data-do": "language", onclick: () => app.setLanguage(other) }, other === "zh" ? "中文" : "English");
  }

  theme() {
    const { app } = this;
    const select = make("select", { "aria-label": app.say("theme"), "data-do": "theme", onchange: () => app.setTheme(select.value) }, ["auto", "light", "dark"].map((name) => option(name, app.say(`theme_${name}`), app.theme)));
    return select;
  }
}
