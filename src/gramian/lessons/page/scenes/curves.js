// Scene: tanh and arctan by Gauss-Newton. Each pass is a normal equation with the derivatives in the place of X.
import { CURVES, curvePasses, startOf } from "../algebra/gaussnewton.js";
import { num } from "../algebra/numbers.js";
import { bowl } from "../parts/bowl.js";
import { $, memo, press, shown } from "../parts/dom.js";
import { Jt, math, mi, mo, paren, space } from "../parts/mathml.js";
import { drawPasses, equationOfPass, MOST_PASSES, wirePasses } from "../parts/passes.js";
import { sizeOf } from "../parts/size.js";
import { CURVE_DATA, set, state } from "../parts/state.js";

export const curvesScene = { key: "curves", wire, picture, draw, say };

const start = startOf(CURVE_DATA.points); // stays, so that the path of passes moves and not where it begins
const listOf = memo((points, name) => curvePasses(points, CURVES[name], start, MOST_PASSES));
const both = {
  tanh: memo(points => curvePasses(points, CURVES.tanh, start, MOST_PASSES)),
  arctan: memo(points => curvePasses(points, CURVES.arctan, start, MOST_PASSES)),
};
const list = () => listOf(state.curvePts, state.curve);
const number = () => Math.min(state.curvePass, list().length - 1);

let plane;

function wire() {
  plane = bowl($("curves-plane"));
  wirePasses("curves", "curvePass", number, list);
  for (const b of document.querySelectorAll("[data-curve]")) b.onclick = () => set({ curve: b.dataset.curve });
  $("curves-reset").onclick = () => set({ curvePts: CURVE_DATA.points, curvePass: 0 });
}

const range = values => [Math.min(...values), Math.max(...values)];
const view = memo(points => {
  const [x0, x1] = range(points.map(p => p[0])),
    [y0, y1] = range(points.map(p => p[1])),
    dx = x1 - x0 || 2,
    dy = y1 - y0 || 2;
  return { x: [x0 - dx * 0.08, x1 + dx * 0.08], y: [y0 - dy * 0.2, y1 + dy * 0.2] };
});

const move = (i, p) => set({ curvePts: state.curvePts.map((q, j) => (j === i ? p : q)), lit: i });
const after = p => p.w.map((v, k) => v + p.fraction * p.d[k]);

function picture() {
  const p = list()[number()],
    { f } = CURVES[state.curve],
    at =
      ([a, b]) =>
      x =>
        a * f(b * x),
    misses = p.rows.map(r => r.miss);
  const moving = p.number < list().length - 1;
  return {
    key: "curve",
    points: state.curvePts,
    view: view(state.curvePts),
    axes: { x: CURVE_DATA.x, y: CURVE_DATA.y },
    edit: { at: i => state.curvePts[i], move },
    lines: [
      { at: at(after(p)), cls: moving ? "next" : "none" },
      { at: at(p.w), cls: "fit" },
    ],
    squares: true,
    misses,
    grips: null,
    bar: { misses, title: `pass ${p.number}`, lowest: list().at(-1).cost },
  };
}

function draw() {
  const all = list(),
    p = all[number()];
  press("curve", state.curve);
  const model = [
    mi("y", "cy"),
    mo("="),
    mi("a", "ca"),
    space(0.2),
    mi(state.curve),
    paren(mi("b", "cb") + mi("x")),
  ];
  $("curves-model").innerHTML = math(model.join(""));
  const equation = math(`${Jt}${mi("J")}${mi("d")}${mo("=")}${Jt}${mi("r")}`, "block");
  $("curves-equation").innerHTML = equation + equationOfPass("curves", p);
  drawPasses("curves", all, p, "cost");
  drawPlane(all, p);
  const best = name => {
    const { cost } = both[name](state.curvePts).at(-1);
    return shown("b", `curves-best-${name}`, cost, num(cost));
  };
  const taken = p.fraction < 1 && p.fraction > 0 ? `${num(p.fraction)} of it is taken. ` : "";
  const short = taken && `The whole step would end higher; ${taken}`;
  $("curves-say").innerHTML = `${short}At their best tanh costs ${best("tanh")} and arctan ${best("arctan")}.`;
}

/** The bowl of the tangent at this pass, which is where the next one is lowest, and the path of all passes. */
function drawPlane(all, p) {
  const svg = plane.svg,
    [W, height] = sizeOf(svg, 560, 380);
  const goal = after(p),
    full = p.w.map((v, k) => v + p.d[k]);
  const around = (k, air) => {
    const [low, high] = range([...all.map(q => q.w[k]), 0]),
      room = (high - low || 1) * air;
    return [low - room, high + room];
  };
  const ranges = { x: around(0, 0.25), y: around(1, 0.25) };
  const labels = { x: "a", y: "b", xClass: "ca", yClass: "cb" };
  plane.place({ l: 56, r: W - 12, t: 26, b: height - 44 }, ranges, false, labels);
  const d = p.d,
    quadratic = d[0] * (p.H[0][0] * d[0] + 2 * p.H[0][1] * d[1]) + p.H[1][1] * d[1] * d[1];
  plane.contours(p.H, full, Math.max(quadratic * 2, all[0].cost * 1e-3, 1e-12), 8);
  const dot = ([a, b], cls, r) => `<circle class="${cls}" cx="${plane.sx(a)}" cy="${plane.sy(b)}" r="${r}"/>`;
  const pixel = w => `${plane.sx(w[0]).toFixed(1)} ${plane.sy(w[1]).toFixed(1)}`;
  plane.under.innerHTML = `<path class="trail" d="M${all
    .slice(0, p.number + 1)
    .map(q => pixel(q.w))
    .join("L")}"/>
    <path class="next" d="M${pixel(p.w)}L${pixel(goal)}"/>`;
  plane.under.innerHTML += all.map(q => dot(q.w, `foot${q.number > p.number ? " to-come" : ""}`, 3)).join("");
  plane.over.innerHTML = dot(p.w, "mark here", 7) + plane.cross(full);
}

function say() {
  const p = list()[number()];
  return `${state.curve}, pass ${p.number}: a ${num(p.w[0])}, b ${num(p.w[1])}, cost ${num(p.cost)}.`;
}
