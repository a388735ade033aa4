// Boxes, scales and axes of the pictures.
import { digitsIn, num, ticks } from "../algebra/numbers.js";
import { escaped, label } from "./dom.js";

/** Maps of numbers to pixels and of a pointer to numbers. box = { l, t, r, b }, x and y are ranges. */
export function scales(svg, box, x, y) {
  const w = box.r - box.l,
    h = box.b - box.t;
  return {
    box,
    x,
    y,
    sx: v => box.l + ((v - x[0]) / (x[1] - x[0])) * w,
    sy: v => box.b - ((v - y[0]) / (y[1] - y[0])) * h,
    inverse: e => {
      const at = svg.getBoundingClientRect();
      const right = (e.clientX - at.left - box.l) / w,
        up = (box.b - (e.clientY - at.top)) / h;
      return [x[0] + right * (x[1] - x[0]), y[0] + up * (y[1] - y[0])];
    },
  };
}

export const clamp = (v, low, high) => Math.max(low, Math.min(high, v));

/** Axes with ticks as markup. labels: { x, y, nx, ny, xClass, yClass }. */
export function axes({ box, x, y, sx, sy }, labels) {
  const { x: xLabel = "", y: yLabel = "", nx = 6, ny = 5, xClass = "", yClass = "" } = labels;
  let s = `<path class="axis" d="M${box.l} ${box.b}H${box.r}M${box.l} ${box.t}V${box.b}"/>`;
  for (const t of ticks(x[0], x[1], nx)) s += bottomTick(sx(t), box.b, num(t, digitsIn(x), 1e9));
  for (const t of ticks(y[0], y[1], ny)) s += leftTick(box.l, sy(t), num(t, digitsIn(y), 1e9));
  return (
    s +
    label(box.r, box.b + 36, escaped(xLabel), `label ${xClass}`, "end") +
    label(box.l - 4, box.t - 10, escaped(yLabel), `label ${yClass}`)
  );
}

export const bottomTick = (x, bottom, text) =>
  `<path class="tick" d="M${x} ${bottom}v5"/>${label(x, bottom + 19, text, "num", "middle")}`;
export const leftTick = (left, y, text) =>
  `<path class="tick" d="M${left} ${y}h-5"/>${label(left - 9, y + 4, text, "num", "end")}`;

export const rectOf = box => ({ x: box.l, y: box.t, width: box.r - box.l, height: box.b - box.t });

/** The same as markup. */
export const rect = ({ l, t, r, b }, cls = "") =>
  `<rect class="${cls}" x="${l}" y="${t}" width="${r - l}" height="${b - t}"/>`;
