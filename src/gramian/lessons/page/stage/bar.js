// The cost under the figure: one piece for each square, end to end.
import { nice, num } from "../algebra/numbers.js";
import { label, shown } from "../parts/dom.js";
import { pointer } from "../parts/state.js";

/** group: of the bar. Returns a function that draws { misses, title, lowest, lit } or { text } into it. */
export function bar(group) {
  let scale = 0;

  return function draw({ bar: given }, { box, top, small }, lit) {
    if (given.text) {
      scale = 0;
      group.innerHTML = `<text class="label" x="${box.l}" y="${top + 4}">${given.text}</text>`;
      return;
    }
    const { misses, title, lowest } = given,
      width = box.r - box.l,
      height = small ? 12 : 18;
    const cost = misses.reduce((sum, e) => sum + e * e, 0);
    if (!pointer.dragging || cost > scale * 1.2 || !scale) scale = nice(Math.max(cost, lowest ?? 0) * 1.12 || 1);
    let s = "",
      at = 0;
    misses.forEach((e, i) => {
      const w = Math.min(((e * e) / scale) * width, width - at);
      if (w > 0.05) s += rect(i === lit ? "lit" : "", box.l + at, top, w, height);
      at += w;
    });
    s += rect("frame", box.l, top, width, height);
    if (lowest !== null) s += leastMark(box.l + (lowest / scale) * width, lowest, { top, height, small, box });
    else if (!small) s += `<text class="num" x="${box.l}" y="${top + height + 19}">all squares, end to end</text>`;
    const value = shown("tspan", "cost", cost, num(cost, 6), "strong miss");
    const scaleAt = small ? top - 8 : top + height + 19;
    group.innerHTML = `${s}<text class="num" x="${box.r}" y="${scaleAt}" text-anchor="end">${num(scale)}</text>
      ${label(box.l, top - 9, `cost of ${title} ${value}`, "label")}`;
  };
}

const rect = (cls, x, y, width, height) =>
  `<rect class="${cls}" x="${x.toFixed(2)}" y="${y}" width="${width.toFixed(2)}" height="${height}"/>`;

function leastMark(x, lowest, { top, height, small, box }) {
  const anchor = x > (box.l + box.r) / 2 ? "end" : "start";
  const text = label(x, top + height + 19, `lowest: ${num(lowest, 6)}`, "num", anchor);
  return `<path class="least" d="M${x} ${top - 5}v${height + 10}"/>${small ? "" : text}`;
}
