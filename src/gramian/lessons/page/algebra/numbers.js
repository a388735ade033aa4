// Numbers as text.

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

/** A number to so many significant digits, with a real minus; powers of ten where it is small or reaches `large`. */
export function num(v, digits = 4, large = 1e7) {
  if (v === null || Number.isNaN(v)) return "–";
  if (!Number.isFinite(v)) return v > 0 ? "∞" : "−∞";
  const rounded = Number(v.toPrecision(digits)),
    size = Math.abs(rounded);
  if (size !== 0 && (size >= large || size < 1e-4)) {
    const [mantissa, exponent] = rounded.toExponential().split("e");
    const power = [...String(Number(exponent))].map(c => RAISED[c]).join("");
    return `${Number(Number(mantissa).toFixed(2))}·10${power}`.replace("-", "−");
  }
  return String(rounded).replace("-", "−");
}

/** A sum as it is: the dust of rounding removed, nothing else. */
export const sum = v => num(Number(v.toPrecision(12)), 10, 1e11);

/** A count of steps. */
export function count(v) {
  if (v === null) return "–";
  if (!Number.isFinite(v)) return "never";
  return v >= 1e6 ? num(v, 2) : Math.round(v).toLocaleString("en").replace(/,/g, "\u202f");
}

/** Significant digits with which values of a range differ. */
export const digitsIn = ([low, high]) =>
  Math.max(4, 3 + Math.ceil(Math.log10(Math.max(Math.abs(low), Math.abs(high)) / (high - low))));

/** Round ticks between low and high, about n of them. */
export function ticks(low, high, n = 5) {
  const step = nice((high - low) / n),
    list = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) {
    list.push(Number((i * step).toPrecision(10)));
  }
  return list;
}

/** The smallest of 1, 2, 5 times a power of ten that is not below v. */
export function nice(v) {
  const power = 10 ** Math.floor(Math.log10(v));
  return [1, 2, 5, 10].find(s => s * power >= v * (1 - 1e-12)) * power;
}
