// Scene: outcomes 0 and 1. Each pass is a weighted normal equation; separation; ridge.
import { num } from "../algebra/numbers.js";
import { passes, separated, sigmoid } from "../algebra/sigmoid.js";
import { axes, clamp, rect, scales } from "../parts/axes.js";
import { $, memo, shown, show } from "../parts/dom.js";
import { math, mi, mo, paren, Xt } from "../parts/mathml.js";
import { drawPasses, equationOfPass, MOST_PASSES, wirePasses } from "../parts/passes.js";
import { sizeOf } from "../parts/size.js";
import { OUTCOMES, set, state } from "../parts/state.js";

export const sigmoidScene = { key: "sigmoid", wire, picture, draw, say };

const xs = OUTCOMES.points.map(p => p[0]),
  low = Math.min(...xs),
  high = Math.max(...xs),
  air = (high - low || 2) / 10;
const X_RANGE = [low - air, high + air],
  Z_RANGE = [-8, 8];
const radius = weight => 2 + 16 * Math.sqrt(weight); // a quarter is the largest weight

const points = memo(outcomes => xs.map((x, i) => [x, +outcomes[i]]));
const ridgeNow = () => (state.sigmoidRidge ? 10 ** (state.sigmoidRidge / 25 - 2) : 0);
const listOf = memo((rows, ridge) => passes(rows, ridge, MOST_PASSES));
const list = () => listOf(points(state.outcomes), ridgeNow());
const number = () => Math.min(state.pass, list().length - 1);
const lit = () => Math.min(state.lit, xs.length - 1);

function wire() {
  wirePasses("sigmoid", "pass", number, list);
  $("sigmoid-separate").onclick = () => set({ outcomes: separatedOutcomes(), pass: 0 });
  $("sigmoid-reset").onclick = () => set({ outcomes: OUTCOMES.points.map(p => p[1]).join(""), pass: 0 });
  $("sigmoid-ridge").oninput = e => set({ sigmoidRidge: +e.target.value });
}

/** Outcomes that one threshold separates, on the sides where most of them are. */
function separatedOutcomes() {
  const sorted = [...xs].sort((p, q) => p - q),
    half = xs.length >> 1,
    middle = (sorted[half - 1] + sorted[half]) / 2;
  const left = OUTCOMES.points.filter(p => p[0] < middle).reduce((sum, p) => sum + p[1], 0);
  const all = OUTCOMES.points.reduce((sum, p) => sum + p[1], 0);
  return xs.map(x => +(x < middle === 2 * left >= all)).join("");
}

const flip = i =>
  set({ outcomes: state.outcomes.slice(0, i) + (1 - state.outcomes[i]) + state.outcomes.slice(i + 1), lit: i });

function picture() {
  const p = list()[number()],
    at = w => x => sigmoid(w[0] * x + w[1]),
    next = p.w.map((v, k) => v + p.fraction * p.d[k]);
  return {
    key: "outcomes",
    points: points(state.outcomes),
    view: { x: X_RANGE, y: [-0.12, 1.12] },
    grips: null,
    squares: false,
    axes: { x: OUTCOMES.x, y: `${OUTCOMES.y}, and its probability p` },
    edit: { flip },
    misses: [],
    lines: [
      { at: at(next), cls: p.number < list().length - 1 ? "next" : "none" },
      { at: at(p.w), cls: "fit" },
    ],
    radius: i => radius(p.rows[i].weight),
    bar: {
      text: `pass ${p.number}: deviance ${shown("tspan", "deviance", p.deviance, num(p.deviance, 8), "strong")}`,
    },
  };
}

function draw() {
  const all = list(),
    p = all[number()],
    ridge = ridgeNow(),
    apart = separated(points(state.outcomes));
  $("sigmoid-ridge").value = state.sigmoidRidge;
  $("sigmoid-ridge").setAttribute("aria-valuetext", num(ridge, 3));
  show($("sigmoid-value"), "sigmoid-ridge", ridge, num(ridge, 3));
  const left = ridge
    ? paren(`${Xt}${mi("W")}${mi("X")}${mo("+")}${mi("λ")}${mi("D")}`)
    : `${Xt}${mi("W")}${mi("X")}`;
  const right = ridge ? `${mo("−")}${mi("λ")}${mi("D")}${mi("w")}` : "";
  $("sigmoid-equation").innerHTML = equationOf(left, right) + equationOfPass("sigmoid", p);
  drawPasses("sigmoid", all, p, "deviance");
  drawRow(p.rows[lit()]);
  drawWorking(p);
  $("sigmoid-say").textContent = words(apart, ridge, p);
}

const equationOf = (left, right) =>
  math(`${left}${mi("d")}${mo("=")}${Xt}${paren(`${mi("y", "cy")}${mo("−")}${mi("p")}`)}${right}`, "block");

function words(apart, ridge, p) {
  if (apart && !ridge) {
    return (
      "The ones and the zeros are separated: a steeper sigmoid is always better, w grows with every pass, " +
      "and the weights die out. There is no best one."
    );
  }
  if (apart) return "Separated, but ridge makes steepness cost something: there is one best sigmoid again.";
  if (p.fraction < 1) return `The whole step would end higher; ${num(p.fraction)} of it is taken.`;
  return "Look at the last column: once a step is small, the next is about its square. The right digits double.";
}

function drawRow({ x, y, p, weight, working }) {
  const part = (name, v) => shown("b", `sigmoid-row-${name}`, v, num(v, 4));
  $("sigmoid-row").innerHTML =
    `Row ${lit() + 1}: x = ${num(x, 6)}, outcome ${y}. Probability ${part("p", p)}, ` +
    `weight ${part("weight", weight)}, working outcome ${part("working", working)}.`;
}

/** Working outcomes with their weights, and the weighted line through them. */
function drawWorking(p) {
  const svg = $("sigmoid-working"),
    [W, height] = sizeOf(svg, 560, 320);
  const plane = scales(svg, { l: 50, r: W - 12, t: 28, b: height - 44 }, X_RANGE, Z_RANGE),
    { box, sx, sy } = plane;
  const next = p.w.map((v, k) => v + p.d[k]);
  const line = (w, cls) =>
    `<path class="${cls}" d="M${X_RANGE.map(x => `${sx(x)} ${sy(w[0] * x + w[1])}`).join("L")}"/>`;
  const dot = (r, i) => `<circle class="work${i === lit() ? " lit" : ""}" cx="${sx(r.x).toFixed(1)}"
    cy="${sy(clamp(r.working, ...Z_RANGE)).toFixed(1)}" r="${radius(r.weight).toFixed(2)}"/>`;
  const name = W < 430 ? "working outcome z" : "working outcome z = Xw + (y − p) / weight";
  const labels = { x: OUTCOMES.x, y: name, xClass: "ca", yClass: "cy" };
  svg.innerHTML = `<clipPath id="working">${rect(box)}</clipPath>${rect(box, "ground")}
    <g class="axes">${axes(plane, labels)}</g>
    <g clip-path="url(#working)">${line(p.w, "fit")}${line(next, "next")}</g><g>${p.rows.map(dot).join("")}</g>`;
}

function say() {
  const p = list()[number()],
    { x, y } = p.rows[lit()];
  const apart = separated(points(state.outcomes)) ? "The classes are separated. " : "";
  return (
    `Pass ${p.number}: slope ${num(p.w[0])}, height ${num(p.w[1])}, deviance ${num(p.deviance, 6)}. ${apart}` +
    `Row ${lit() + 1}: x ${num(x, 6)}, outcome ${y}.`
  );
}
