// Scene: X'X without an inverse. The same column twice, or one row only: a level floor, the shortest solution, ridge.
import { num, sum } from "../algebra/numbers.js";
import { oneRow, sameColumnTwice, valley } from "../algebra/valley.js";
import { bowl } from "../parts/bowl.js";
import { $, label, memo, press, show, shown } from "../parts/dom.js";
import { fitOf, litRow, pictureOfLine, pictureOfPoints, viewOf } from "../parts/line_picture.js";
import { math, matrix, mi, mn, mo, msum, space, XtX } from "../parts/mathml.js";
import { sizeOf } from "../parts/size.js";
import { set, state } from "../parts/state.js";

export const valleyScene = { key: "valley", wire, picture, draw, say };

let plane;

function wire() {
  plane = bowl($("valley-plane"));
  for (const b of document.querySelectorAll("[data-reason]")) b.onclick = () => set({ reason: b.dataset.reason });
  $("valley-ridge").oninput = e => set({ valleyRidge: +e.target.value });
  $("valley-next").onclick = () => set({ lit: (litRow() + 1) % state.pts.length });
}

const equation = memo((fit, flat, point) => (flat === "copy" ? sameColumnTwice(fit) : oneRow(point)));

/** The valley as it is now. The slider goes from nothing over a thousandth of u'u to ten times u'u. */
function now() {
  const given = equation(fitOf(state.pts), state.reason, state.pts[litRow()]),
    size = given.u[0] ** 2 + given.u[1] ** 2;
  return valley(given, state.valleyRidge ? size * 10 ** (state.valleyRidge / 25 - 3) : 0);
}

/** A constant column of x says nothing even once. */
const nothing = () => state.reason === "copy" && fitOf(state.pts).singular;

function picture() {
  if (state.reason === "one") return pictureOfOneRow();
  const fit = fitOf(state.pts);
  if (!state.valleyRidge || fit.singular)
    return pictureOfLine(fit.w, fit.singular ? "the shortest w" : "the best line");
  const { w } = now(),
    slope = w[0] + w[1];
  return pictureOfLine([slope, fit.yMean - slope * fit.xMean], "this line");
}

function pictureOfOneRow() {
  const v = now(),
    [x, y] = state.pts[litRow()];
  // Lines through the one point: a few of the floor, the shortest w, and that with ridge.
  const view = viewOf(state.pts, true),
    unit = (view.y[1] - view.y[0]) / (view.x[1] - view.x[0]);
  const floor = [-2, -0.9, 0.9, 2]
    .map(t => v.shortest[0] + t * unit)
    .map(a => ({ at: [a, y - a * x], cls: "floor-line" }));
  const lines = [...floor, { at: v.shortest, cls: state.valleyRidge ? "ghost" : "fit" }];
  if (state.valleyRidge) lines.push({ at: v.w, cls: "fit own" });
  const cost = (y - (v.w[0] * x + v.w[1])) ** 2;
  return pictureOfPoints({
    lines,
    view,
    dim: i => i !== litRow(),
    bar: { text: `cost of the one row: ${num(cost)}` },
  });
}

function draw() {
  const fit = fitOf(state.pts),
    copy = state.reason === "copy";
  press("reason", state.reason);
  $("valley-none").hidden = !nothing();
  for (const part of document.querySelectorAll("#valley .needs-x")) part.hidden = nothing();
  if (nothing()) return;
  const v = now();
  $("valley-copy").hidden = !copy;
  $("valley-one").hidden = copy;
  show($("valley-row"), "valley-row", litRow() + 1, litRow() + 1);
  $("valley-ridge").value = state.valleyRidge;
  $("valley-ridge").setAttribute("aria-valuetext", num(v.ridge, 3));
  show($("valley-value"), "valley-ridge", v.ridge, num(v.ridge, 3));
  drawPlane(v, copy);
  $("valley-matrix").innerHTML = math(copy ? twice(fit, v) : once(v));
  $("valley-say").innerHTML = words(v, copy);
}

function drawPlane(v, copy) {
  const svg = plane.svg,
    [W, height] = sizeOf(svg, 560, 400),
    [a, b] = v.shortest;
  const reach = Math.max(Math.hypot(a, b), 1e-9) * 1.5,
    middle = [a / 2, b / 2];
  const view = { x: [middle[0] - reach, middle[0] + reach], y: [middle[1] - reach, middle[1] + reach] };
  const labels = copy
    ? { x: "coefficient of x", y: "coefficient of x again", yClass: "ca" }
    : { x: "slope a", y: "height b", yClass: "cb" };
  plane.place({ l: 60, r: W - 12, t: 26, b: height - 44 }, view, true, { ...labels, xClass: "ca", nx: 5, ny: 5 });
  plane.contours(v.H, v.w, (v.u[0] ** 2 + v.u[1] ** 2) * (reach * 1.2) ** 2, 9);
  const { sx, sy } = plane;
  plane.under.innerHTML = `<path class="floor" d="${plane.across(v.u, v.r)}"/>
    <path class="cross" d="M${sx(0)} ${sy(0)}L${sx(a)} ${sy(b)}"/>`;
  const dot = (x, y, cls, r) => `<circle class="${cls}" cx="${sx(x)}" cy="${sy(y)}" r="${r}"/>`;
  const ridge = v.ridge ? plane.cross(v.w) + label(sx(v.w[0]) + 12, sy(v.w[1]) + 16, "with ridge") : "";
  plane.over.innerHTML =
    dot(0, 0, "zero", 4) +
    label(sx(0) - 9, sy(0) + 5, "0", "num", "end") +
    dot(a, b, "mark short", 7) +
    label(sx(a) + 13, sy(b) - 7, "the shortest") +
    ridge;
}

/** X'X with the column of x twice, and ridge on both of them; the constant is not penalised. */
function twice(fit, { ridge }) {
  const xx = msum("xx", fit.xx),
    x = msum("x1", fit.x),
    own = mn("xx-ridge", fit.xx + ridge, 6);
  return (
    plus("D", ridge) +
    matrix([
      [own, xx, x],
      [xx, own, x],
      [x, x, msum("11", fit.rows)],
    ]) +
    determinant(fit.rows * (ridge ** 2 + 2 * ridge * fit.sxx))
  );
}

/** X'X of one row, and ridge on both coefficients. */
function once({ H, ridge, determinant: value }) {
  const entry = (i, j) => mn(`one-${i}${j}`, H[i][j], 6);
  return (
    plus("I", ridge) +
    matrix([
      [entry(0, 0), entry(0, 1)],
      [entry(1, 0), entry(1, 1)],
    ]) +
    determinant(value)
  );
}

const plus = (letter, ridge) => XtX + (ridge ? `${mo("+")}${mi("λ")}${mi(letter)}` : "") + mo("=");
const determinant = value =>
  mo(",") + space(1) + "<mi>det</mi>" + mo("=") + mn("valley-determinant", value, 4, "strong");

function words({ w, r, u, shortest, ridge }, copy) {
  const number = k => shown("b", `valley-w-${"ab"[k]}`, w[k], num(w[k])),
    both = `${number(0)} and ${number(1)}`;
  if (ridge) {
    const less = num(100 * (1 - Math.hypot(...w) / Math.hypot(...shortest)), 3);
    return (
      `The floor is bent up at both ends. Now there is one lowest point, ${both}: ` +
      `${less} % shorter than the shortest on the floor, and that is the price.`
    );
  }
  const floor = copy
    ? `Every point of the floor is as good as another: two numbers with the sum ${num(r / u[0])} give the same line.`
    : `Every point of the floor is a line through the one point: all that is known is ${sum(u[0])} a + b = ${sum(r)}.`;
  return `${floor} The shortest of them, the one nearest to zero, is ${both}.`;
}

function say() {
  if (nothing()) return "All points stand above one x.";
  const v = now(),
    reason = state.reason === "copy" ? "The column of x stands twice." : `Only row ${litRow() + 1} is there.`;
  const pair = w => w.map(t => num(t)).join(" and ");
  return `${reason} Ridge ${num(v.ridge)}: coefficients ${pair(v.w)}; the shortest are ${pair(v.shortest)}.`;
}
