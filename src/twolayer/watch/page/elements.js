// Elements of the page, made by one function, and numbers as they are shown.

const PROPERTIES = new Set(["value", "checked", "disabled", "textContent", "hidden", "open", "selected"]);

// make("button", { class: "main", onclick: run }, "Run")
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (PROPERTIES.has(name)) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

export function option(value, text, chosen) {
  return make("option", { value, selected: value === chosen }, text);
}

// A number in at most `digits` figures: 31519525.1, 1.036, 2.6e-6.
export function shortNumber(value, digits = 4) {
  if (value === undefined || value === null) return "";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= Math.min(1e7, 10 ** (digits + 3)) || size < 1e-3) return value.toExponential(digits - 1).replace(/\.?0+e/, "e").replace("-", "−").replace("e+", "e").replace("e-", "e−");
  const text = value.toPrecision(digits);
  const plain = text.includes("e") ? String(Math.round(value)) : text;
  return (plain.includes(".") ? plain.replace(/\.?0+$/, "") : plain).replace("-", "−");
}

// Every digit, as Python prints it.
export function exactNumber(value) {
  if (!Number.isFinite(value)) return shortNumber(value);
  return Number.isInteger(value) && Math.abs(value) < 1e16 ? `${value}.0` : String(value).replace(/e([+-])(\d)$/, "e$10$2");
}

// The value of one of the page's colours.
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// The text behind a picture: a table that opens on demand. `rows` is a function, called when it is opened.
export function tableBehind(title, head, rows) {
  const details = make("details", { class: "small" }, make("summary", {}, title));
  const fill = () => {
    if (!details.open) return;
    details.querySelector("div")?.remove();
    details.append(make("div", { class: "scroll tall", tabindex: "0", role: "region", "aria-label": title }, table(head, rows())));
  };
  details.addEventListener("toggle", fill);
  details.fill = fill;
  return details;
}

export function table(head, rows, caption = "") {
  return make(
    "table",
    {},
    caption ? make("caption", {}, caption) : null,
    make("thead", {}, make("tr", {}, head.map((name) => make("th", { scope: "col" }, name)))),
    make("tbody", {}, rows.map((cells) => make("tr", {}, cells.map((cell) => make("td", {}, cell))))),
  );
}

// The sizes of canvases, which the browser tells when they change: to ask for them would make it lay out the page anew.
const sizes = new WeakMap();
const observer = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) if (contentRect.width) sizes.set(target, [contentRect.width, contentRect.height]);
});

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// A canvas's drawing context in CSS pixels, sharp on every screen, and cleared.
export function drawing(canvas) {
  const ratio = window.devicePixelRatio || 1;
  if (!sizes.has(canvas)) {
    observer.observe(canvas);
    if (canvas.clientWidth) sizes.set(canvas, [canvas.clientWidth, canvas.clientHeight]);
  }
  const [width, height] = sizes.get(canvas) ?? [0, 0];
  const [wide, tall] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide || canvas.height !== tall) Object.assign(canvas, { width: wide, height: tall });
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}
