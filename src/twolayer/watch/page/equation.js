// The chain rule of a line as a formula: "∂loss/∂w2 = h_reluᵀ · ∂loss/∂y_pred", in MathML.

const SPACE = "http://www.w3.org/1998/Math/MathML";

function node(tag, ...children) {
  const element = document.createElementNS(SPACE, tag);
  element.append(...children);
  return element;
}

const name = (text) => {
  const symbol = node("mi", text);
  symbol.setAttribute("mathvariant", "normal");
  return symbol;
};

const RULES = [
  [/^∂(\w+)\/∂(\w+)/, ([, one, other]) => node("mfrac", node("mrow", node("mo", "∂"), name(one)), node("mrow", node("mo", "∂"), name(other)))],
  [/^Σ_(\w+)/, ([, over]) => node("munder", node("mo", "∑"), name(over))],
  [/^(\w+)ᵀ/, ([, matrix]) => node("msup", name(matrix), node("mi", "T"))],
  [/^\d+(\.\d+)?/, ([number]) => node("mn", number)],
  [/^\w+/, ([word]) => name(word)],
  [/^\s+/, () => ""],
  [/^./u, ([sign]) => node("mo", sign)],
];

export function equation(text) {
  const row = node("mrow");
  let rest = text;
  while (rest) {
    const [pattern, make] = RULES.find(([known]) => known.test(rest));
    const found = pattern.exec(rest);
    row.append(make(found));
    rest = rest.slice(found[0].length);
  }
  const formula = node("math", row);
  formula.setAttribute("aria-label", text);
  return formula;
}
