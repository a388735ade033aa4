// Scene: why it is the lowest point. The plane of all lines, and the cost along a and along b with their tangents.
import { cost, gradient } from "../algebra/line.js";
import { num, sum } from "../algebra/numbers.js";
import { clamp } from "../parts/axes.js";
import { bowl } from "../parts/bowl.js";
import { $, drag, el, holdTouch, label, memo, put, shown } from "../parts/dom.js";
import { fitOf, ownLine, pictureOfLine, titleOfOwn } from "../parts/line_picture.js";
import { column, math, mi, mn, mo, paren, Xt } from "../parts/mathml.js";
import { sizeOf } from "../parts/size.js";
import { pointer, set, state } from "../parts/state.js";
import { slices } from "./minimum_slices.js";

export const minimumScene = { key: "minimum", wire, picture, draw, say };

let plane,
  handle,
  view = null;

function wire() {
  const svg = $("minimum-plane");
  plane = bowl(svg);
  const name = "your line: slope to the right, height upwards";
  handle = el("g", { class: "here", tabindex: 0, role: "slider", "aria-label": name }, svg);
  el("circle", { class: "hit", r: 22 }, handle);
  el("circle", { class: "mark", r: 9 }, handle);
  const go = e => set({ w: plane.inverse(e).map((v, k) => clamp(v, ...plane["xy"[k]])) });
  holdTouch(handle);
  handle.addEventListener("pointerdown", e => {
    handle.focus({ preventScroll: true });
    pointer.dragging = true;
    drag(handle, e, go, () => {
      pointer.dragging = false;
      set({});
    });
  });
  svg.addEventListener("click", e => {
    const [a, b] = plane.inverse(e),
      inside = a > plane.x[0] && a < plane.x[1] && b > plane.y[0] && b < plane.y[1];
    if (inside && !handle.contains(e.target)) go(e);
  });
  handle.addEventListener("keydown", key);
  $("minimum-a").onclick = () => set({ w: [alongA(ownLine()[1]), ownLine()[1]] });
  $("minimum-b").onclick = () => set({ w: [ownLine()[0], alongB(ownLine()[0])] });
  $("minimum-both").onclick = () => set({ w: null });
}

/** The slope that is best for a height, and the height that is best for a slope: one equation of the two. */
const alongA = b => {
  const { H, c } = fitOf(state.pts);
  return (c[0] - H[0][1] * b) / H[0][0];
};
const alongB = a => {
  const { H, c } = fitOf(state.pts);
  return (c[1] - H[1][0] * a) / H[1][1];
};

function key(e) {
  const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[e.key];
  if (!arrow) return;
  e.preventDefault();
  const share = e.shiftKey ? 0.1 : 0.01,
    [a, b] = ownLine(),
    { x, y } = plane;
  set({ w: [a + arrow[0] * share * (x[1] - x[0]), b + arrow[1] * share * (y[1] - y[0])] });
}

function picture() {
  const w = ownLine();
  return pictureOfLine(w, titleOfOwn(), { grips: ownLine });
}

/** Where the rings are drawn: about w, as far as lines cost ten times the lowest. */
const viewAbout = memo(fit => {
  const total = fit.yy - fit.rows * fit.yMean ** 2;
  const top = fit.cost > 1e-12 * total ? 9 * fit.cost : 0.05 * total || 1;
  const half = k => 1.12 * Math.sqrt(top * fit.inverse[k][k]);
  return { x: [fit.w[0] - half(0), fit.w[0] + half(0)], y: [fit.w[1] - half(1), fit.w[1] + half(1)], top };
});

function draw() {
  const fit = fitOf(state.pts),
    [a, b] = ownLine(),
    paid = cost(state.pts, [a, b]);
  for (const id of ["minimum-picture", "minimum-solved"]) $(id).hidden = fit.singular;
  $("minimum-none").hidden = !fit.singular;
  if (fit.singular) return;
  if (!view || !pointer.dragging) view = viewAbout(fit);
  const svg = plane.svg,
    [W, height] = sizeOf(svg, 560, 500),
    small = W < 430,
    side = small ? 62 : 108;
  const box = { l: 62, r: W - side - 14, t: side, b: height - 44 };
  plane.place(box, view, false, { x: "slope a", nx: small ? 3 : 5, ny: 5, xClass: "ca" });
  plane.contours(fit.H, fit.w, view.top, 8);
  const X = plane.sx(a),
    Y = plane.sy(b);
  plane.under.innerHTML = `<path class="eq ca" d="${plane.across(fit.H[0], fit.c[0])}"/>
    <path class="eq cb" d="${plane.across(fit.H[1], fit.c[1])}"/>
    <path class="cross" d="M${X} ${box.t}V${box.b}M${box.l} ${Y}H${box.r}"/>`;
  plane.over.innerHTML =
    slices(plane, fit, { w: [a, b], top: fit.cost + 1.7 * view.top, side, small, width: W }) +
    upright(label(0, 0, "height b", "label cb", "middle"), 12, (box.t + box.b) / 2) +
    plane.cross(fit.w, 6) +
    numbersOfLines(fit);
  const at = `translate(${clamp(X, box.l, box.r).toFixed(2)} ${clamp(Y, box.t, box.b).toFixed(2)})`;
  handle.setAttribute("transform", at);
  const words = `slope ${num(a)}, height ${num(b)}, cost ${num(paid)}`;
  put(handle, { "aria-valuetext": words, "aria-valuenow": paid.toPrecision(4) });
  drawNumbers(fit, [a, b], paid);
}

const upright = (text, x, y) => `<g transform="translate(${x} ${y}) rotate(-90)">${text}</g>`;

/** 1 and 2 at the upper ends of the two lines, so that they can be distinguished without their colours. */
function numbersOfLines(fit) {
  const ends = [0, 1].map(k => plane.ends(fit.H[k], fit.c[k])[0]);
  return ends
    .map((p, k) => {
      const q = ends[1 - k],
        far = Math.hypot(p[0] - q[0], p[1] - q[1]) || 1;
      const x = p[0] + (14 * (p[0] - q[0])) / far,
        y = p[1] + (14 * (p[1] - q[1])) / far;
      return `<g class="badge ${k ? "cb" : "ca"}"><circle cx="${x}" cy="${y}" r="10"/>
      <text x="${x}" y="${y + 4.5}" text-anchor="middle">${k + 1}</text></g>`;
    })
    .join("");
}

function drawNumbers(fit, w, paid) {
  const g = gradient(state.pts, w),
    size = [Math.abs(fit.c[0]), Math.abs(fit.c[1])];
  const seen = k => num(Math.abs(g[k]) < 1e-9 * (1 + size[k]) ? 0 : g[k]);
  const part = (k, cls) => shown("mn", `gradient-${"ab"[k]}`, g[k], seen(k), cls);
  $("minimum-gradient").innerHTML = math(
    `<mn>2</mn>${Xt}${paren(mi("X") + mi("w") + mo("−") + mi("y"))}${mo("=")}` +
      column([part(0, "ca strong"), part(1, "cb strong")]),
  );
  const more = Math.max(0, paid - fit.cost);
  $("minimum-sum").innerHTML =
    `${shown("span", "paid", paid, num(paid, 5))} = ` +
    `${shown("span", "lowest", fit.cost, num(fit.cost, 5))} + ` +
    shown("span", "change", more, num(more < 1e-12 * paid ? 0 : more, 5), "miss");
  const equation = k =>
    `<span class="${k ? "cb" : "ca"}"><span class="badge-text">${k + 1}</span> ` +
    `${sum(fit.H[k][0])} a + ${sum(fit.H[k][1])} b = ${sum(fit.c[k])}</span>`;
  $("minimum-equations").innerHTML = equation(0) + equation(1);
}

function say() {
  const w = ownLine(),
    fit = fitOf(state.pts);
  if (fit.singular) return "All points stand above one x: there is no single lowest point.";
  const g = gradient(state.pts, w).map((v, k) => (Math.abs(v) < 1e-9 * (1 + Math.abs(fit.c[k])) ? 0 : v));
  return (
    `Slope ${num(w[0])}, height ${num(w[1])}, cost ${num(cost(state.pts, w))}; lowest ${num(fit.cost)}. ` +
    `The gradient is ${num(g[0])} along a and ${num(g[1])} along b.`
  );
}
