// What both scenes of passes share: their table, the buttons, and the normal equation of a pass.
import { num } from "../algebra/numbers.js";
import { $, shown } from "./dom.js";
import { column, lines, matrix, mi, mn, mo, space } from "./mathml.js";
import { set } from "./state.js";

export const MOST_PASSES = 30;
const ROWS = 12; // of the table

/** Buttons id-back, id-next and id-end, which move state[key] among the passes. */
export function wirePasses(id, key, number, passes) {
  const go = k => set({ [key]: Math.max(0, Math.min(k, passes().length - 1)) });
  $(`${id}-back`).onclick = () => go(number() - 1);
  $(`${id}-next`).onclick = () => go(number() + 1);
  $(`${id}-end`).onclick = () => go(passes().length - 1);
}

export function drawPasses(id, list, now, cost) {
  $(`${id}-back`).disabled = now.number === 0;
  for (const name of ["next", "end"]) $(`${id}-${name}`).disabled = now.number === list.length - 1;
  // The last pass is always among those that are listed.
  const listed = list.length > ROWS ? [...list.slice(0, ROWS - 1), list.at(-1)] : list;
  $(`${id}-table`).innerHTML = listed
    .map(
      p =>
        `<tr class="${p === now ? "on" : ""}"><th scope="row">${p.number}</th>` +
        [
          ["cost", p[cost], 9],
          ["a", p.w[0], 6],
          ["b", p.w[1], 6],
          ["step", p.step, 2],
        ]
          .map(([name, v, digits]) => shown("td", `${id}-${p.number}-${name}`, v, num(v, digits)))
          .join("") +
        "</tr>",
    )
    .join("");
}

/** H d = g, and d. */
export function equationOfPass(id, { H, g, d }) {
  // What is zero but for rounding is shown as zero.
  const size = Math.max(Math.abs(H[0][0]), Math.abs(H[1][1]));
  const n = (name, v, cls = "") => shown("mn", `${id}-${name}`, v, num(Math.abs(v) < 1e-11 * size ? 0 : v), cls);
  const left = matrix([0, 1].map(i => [0, 1].map(j => n(`H-${i}${j}`, H[i][j]))));
  const right = column([n("g-a", g[0]), n("g-b", g[1])]);
  const solution = column([mn(`${id}-d-a`, d[0], 4, "ca"), mn(`${id}-d-b`, d[1], 4, "cb")]);
  return lines([left + mi("d") + mo("=") + right, mo("⟹") + space(0.6) + mi("d") + mo("=") + solution]);
}
