// Scene: polynomials. One more column for each power; the condition; more columns than rows; ridge.
import { num } from "../algebra/numbers.js";
import { conditionOfPowers, polynomial } from "../algebra/polynomial.js";
import { $, memo, show } from "../parts/dom.js";
import { fitOf, pictureOfPoints } from "../parts/line_picture.js";
import { SETS, set, state } from "../parts/state.js";

export const powersScene = { key: "powers", wire, picture, draw, say };

const FLOAT = 16; // decimal digits of a float64

function wire() {
  $("powers-degree").oninput = e => set({ degree: +e.target.value });
  $("powers-ridge").oninput = e => set({ powersRidge: +e.target.value });
  $("powers-few").onclick = () =>
    set({ pts: spread(state.pts, 4), lit: 0, w: null, degree: Math.max(state.degree, 7) });
  $("powers-all").onclick = () => set({ pts: SETS.get(state.data).points, w: null });
}

/** So many of the points, evenly over their x. */
function spread(points, n) {
  const sorted = [...points].sort((p, q) => p[0] - q[0]);
  const at = i => sorted[Math.round((i * (sorted.length - 1)) / (n - 1))];
  return sorted.length <= n ? sorted : Array.from({ length: n }, (_, i) => at(i));
}

const fitted = memo(polynomial),
  condition = memo(conditionOfPowers);
const ridgeNow = () => (state.powersRidge ? state.pts.length * 10 ** (state.powersRidge / 25 - 4) : 0);
const now = () => fitted(state.pts, state.degree, ridgeNow());
const free = memo((points, degree) => polynomial(points, degree, 0));

/** What is left of a cost that is zero but for rounding. */
const withoutRounding = cost => (cost < 1e-22 * fitOf(state.pts).yy ? 0 : cost);

function picture() {
  const { at, cost } = now(),
    misses = state.pts.map(([x, y]) => (withoutRounding(cost) ? y - at(x) : 0));
  const ridge = ridgeNow(),
    plain = free(state.pts, state.degree),
    title = `degree ${state.degree}${ridge ? ", ridge" : ""}`;
  const lines = [...(ridge ? [{ at: plain.at, cls: "ghost" }] : []), { at, cls: ridge ? "fit own" : "fit" }];
  return pictureOfPoints({
    lines,
    misses,
    bar: { misses, title, lowest: ridge ? withoutRounding(plain.cost) : null },
  });
}

function draw() {
  const p = now(),
    columns = state.degree + 1,
    rows = state.pts.length,
    ridge = ridgeNow();
  const k = condition(state.pts, state.degree);
  $("powers-degree").value = state.degree;
  $("powers-d").textContent = state.degree;
  $("powers-ridge").value = state.powersRidge;
  $("powers-ridge").setAttribute("aria-valuetext", num(ridge, 3));
  show($("powers-value"), "powers-ridge", ridge, num(ridge, 3));
  $("powers-rows").textContent = `${columns} columns, ${rows} rows`;
  show($("powers-cost"), "powers-cost", p.cost, num(withoutRounding(p.cost), 5));
  show($("powers-length"), "powers-length", p.length, num(p.length));
  show($("powers-condition"), "powers-condition", k, k === Infinity ? "infinite: X′X has no inverse" : num(k, 3));
  const digits = Math.max(0, FLOAT - Math.log10(k));
  $("powers-digits").textContent = digits < 0.5 ? "none" : `about ${Math.round(digits)} of ${FLOAT}`;
  $("powers-say").textContent = words(p, columns, ridge);
}

function words({ distinct, cost }, columns, ridge) {
  if (ridge) {
    return "Ridge asks for small coefficients: the curve is calmer, and farther from the points.";
  }
  if (columns > distinct) {
    return (
      "More columns than rows: endlessly many curves pass through all the points. " +
      "This is the one with the smallest coefficients."
    );
  }
  if (columns === distinct) {
    return "As many columns as rows: the curve passes through all the points, whatever lies between them.";
  }
  if (!withoutRounding(cost)) return "The points lie on this curve.";
  return "Each further column lowers the cost, and makes the condition worse.";
}

function say() {
  const cost = num(withoutRounding(now().cost)),
    k = num(condition(state.pts, state.degree), 3);
  return `Degree ${state.degree}, ${state.pts.length} rows, ridge ${num(ridgeNow())}: cost ${cost}, condition ${k}.`;
}
