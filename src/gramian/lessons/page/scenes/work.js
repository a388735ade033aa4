// Scene: what many columns cost. Solving beside steps, and where they meet.
import { count } from "../algebra/numbers.js";
import { crossover, solving, stepping } from "../algebra/work.js";
import { bottomTick, leftTick, rect } from "../parts/axes.js";
import { $, label, show, shown } from "../parts/dom.js";
import { sizeOf } from "../parts/size.js";
import { set, state } from "../parts/state.js";

export const workScene = { key: "work", wire, picture: null, draw, say };

const LOG_N = [1, 5.5],
  LOG_WORK = [2, 16];
const TIMES = [
  [1e4, "1 µs"],
  [1e7, "1 ms"],
  [1e10, "1 s"],
  [6e11, "1 min"],
  [3.6e13, "1 h"],
  [8.64e14, "1 day"],
];

function wire() {
  $("work-steps").oninput = e => set({ workSteps: Math.round(10 ** +e.target.value) });
}

function draw() {
  const svg = $("work-plot"),
    [W, height] = sizeOf(svg, 620, 420);
  const box = { l: 62, r: W - 16, t: 34, b: height - 46 },
    { workSteps: k } = state,
    cross = crossover(k);
  const lx = n => box.l + ((Math.log10(n) - LOG_N[0]) / (LOG_N[1] - LOG_N[0])) * (box.r - box.l);
  const ly = v => box.b - ((Math.log10(v) - LOG_WORK[0]) / (LOG_WORK[1] - LOG_WORK[0])) * (box.b - box.t);
  const ends = LOG_N.map(e => 10 ** e),
    path = f => `M${ends.map(n => `${lx(n)} ${ly(f(n))}`).join("L")}`;
  const curve = (f, cls) => `<path class="${cls}" d="${path(f)}"/>`;
  const gridline = ([v, text]) =>
    `<path class="gridline" d="M${box.l} ${ly(v)}H${box.r}"/>${leftTick(box.l, ly(v), text)}`;
  const frame =
    `<path class="axis" d="M${box.l} ${box.b}H${box.r}M${box.l} ${box.t}V${box.b}"/>` +
    [1, 2, 3, 4, 5].map(e => bottomTick(lx(10 ** e), box.b, count(10 ** e))).join("") +
    TIMES.map(gridline).join("");
  const inside = cross >= ends[0] && cross <= ends[1],
    X = lx(cross),
    Y = ly(solving(cross)),
    side = X > W - 130 ? -1 : 1;
  const words = label(X + 10 * side, box.b - 10, `n = ${count(cross)}`, "num strong", side < 0 ? "end" : "start");
  const mark = `<path class="cross" d="M${X} ${Y}V${box.b}"/><circle class="mark" cx="${X}" cy="${Y}" r="7"/>`;
  const meeting = inside ? mark + words : "";
  const n = ends[1] * 0.3,
    lower = Math.max(box.t + 96, ly(stepping(ends[1], k)) + 78);
  svg.innerHTML = `<clipPath id="work-inside">${rect(box)}</clipPath>${rect(box, "ground")}<g class="axes">${frame}
    ${label(box.r, box.b + 38, "columns n", "label", "end")}
    ${label(box.l, box.t - 14, "time at 10¹⁰ operations a second", "label")}</g>
    <g clip-path="url(#work-inside)">${curve(solving, "solve")}${curve(v => stepping(v, k), "steps")}</g>
    <g class="halo">${meeting}${label(lx(n) - 16, ly(solving(n)), "solve: n³/3", "label solve-label", "end")}
    ${label(box.r - 8, lower, `${count(k)} steps: 2 k n²`, "label steps-label", "end")}</g>`;
  $("work-steps").value = Math.log10(k);
  $("work-steps").setAttribute("aria-valuetext", `${count(k)} steps`);
  show($("work-k"), "work-steps", k, count(k));
  const number = shown("b", "crossover", cross, count(cross));
  $("work-say").innerHTML =
    `With fewer than ${number} columns, one solve is cheaper than ${count(k)} steps. ` +
    "With more, the walk is, if it needs no more steps than that.";
}

function say() {
  return `${count(state.workSteps)} steps cost as much as one solve at ${count(crossover(state.workSteps))} columns.`;
}
