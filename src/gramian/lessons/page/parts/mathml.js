// MathML as text.
import { num, sum } from "../algebra/numbers.js";
import { shown } from "./dom.js";

export const mi = (name, cls = "") => `<mi${cls && ` class="${cls}"`}>${name}</mi>`;
export const mo = sign => `<mo>${sign}</mo>`;

/** A number with its name and all of its digits; rounded to `digits`, or as a sum. */
export const mn = (name, value, digits, cls = "") => shown("mn", name, value, num(value, digits), cls);
export const msum = (name, value, cls = "") => shown("mn", name, value, sum(value), cls);

/** A matrix; brackets are borders, since stretching ones need a mathematical font. */
export function matrix(rows) {
  const row = r => `<mtr>${r.map(c => `<mtd>${c}</mtd>`).join("")}</mtr>`;
  return `<mrow><mtable class="mx">${rows.map(row).join("")}</mtable></mrow>`;
}
export const column = entries => matrix(entries.map(e => [e]));

export const math = (inside, display = "") => `<math${display && ` display="${display}"`}>${inside}</math>`;

/** Parts of an equation, which stand below each other where there is no room beside. */
export const lines = parts => `<span class="parts">${parts.map(p => math(p)).join(" ")}</span>`;

export const paren = inside => `<mo>(</mo>${inside}<mo>)</mo>`;
export const inverse = inside => `<msup><mrow>${paren(inside)}</mrow><mrow><mo>−</mo><mn>1</mn></mrow></msup>`;
export const space = width => `<mspace width="${width}em"/>`;

const prime = letter => `<mrow><mi>${letter}</mi><mo lspace="0" rspace="0">′</mo></mrow>`;
export const Xt = prime("X");
export const Jt = prime("J");
export const XtX = `<mrow>${Xt}<mi>X</mi></mrow>`;
