// Scene: gradient descent on the cost, drawn with equal units, and the switch that makes the valley round.
import { count, num } from "../algebra/numbers.js";
import { clamp } from "../parts/axes.js";
import { bowl } from "../parts/bowl.js";
import { $, label, press, show, shown } from "../parts/dom.js";
import { edits, fitOf, pictureOfLine, viewOf } from "../parts/line_picture.js";
import { sizeOf } from "../parts/size.js";
import { calm, pointer, set, state } from "../parts/state.js";
import { BEST, DIGITS, KEEP, LIMIT, METHODS, runsOf } from "./descent_runs.js";

export const descentScene = { key: "descent", wire, picture, draw, say, load };

const STAGE = { raw: 0, centred: 1, scaled: 2 },
  SNAP = 0.012;
const ONLY = Object.fromEntries(METHODS.map(m => [m, [m]]));
let plane,
  stage = 0,
  gliding = 0,
  walking = 0;

function wire() {
  plane = bowl($("descent-plane"));
  for (const b of document.querySelectorAll("[data-scale]")) b.onclick = () => glideTo(b.dataset.scale);
  $("descent-rate").oninput = e => {
    const place = [BEST, LIMIT].find(mark => Math.abs(+e.target.value - mark) < SNAP) ?? +e.target.value;
    set({ ratePlace: place, method: "gd" });
  };
  $("descent-step").oninput = e => set({ step: +e.target.value });
  $("descent-best").onclick = () => set({ ratePlace: BEST, method: "gd" });
  $("descent-over").onclick = () => set({ ratePlace: 0.9, method: "gd", step: 30 });
  for (const b of document.querySelectorAll("[data-method]")) b.onclick = () => set({ method: b.dataset.method });
  $("descent-walk").onclick = play;
}

/** Take the columns from the state, without gliding. */
function load() {
  stage = STAGE[state.scale];
}

function glideTo(scale) {
  cancelAnimationFrame(gliding);
  set({ scale });
  const from = stage,
    to = STAGE[scale],
    began = performance.now(),
    time = calm() ? 0 : 900 * Math.abs(to - from);
  const tick = now => {
    const t = time ? Math.min(1, (now - began) / time) : 1,
      eased = t < 0.5 ? 2 * t * t : 1 - 2 * (1 - t) ** 2;
    stage = t < 1 ? from + (to - from) * eased : to;
    set({});
    if (t < 1) gliding = requestAnimationFrame(tick);
  };
  tick(began);
}

function play() {
  if (walking) {
    cancelAnimationFrame(walking);
    walking = 0;
    return set({});
  }
  const began = performance.now(),
    last = lastStep(runs().runs[state.method]);
  const time = calm() ? 1 : Math.min(6000, 700 + 60 * last);
  const tick = now => {
    const t = Math.min(1, (now - began) / time);
    set({ step: Math.round(last * t ** 1.7) });
    walking = t < 1 ? requestAnimationFrame(tick) : 0;
  };
  walking = requestAnimationFrame(tick);
}

/** While something moves, only the method that is shown is run. */
function runs() {
  const quick = pointer.dragging || stage % 1 !== 0;
  return runsOf(fitOf(state.pts), stage, state.ratePlace, quick ? ONLY[state.method] : METHODS);
}
const lastStep = run => Math.max(1, Math.min(run.path.length - 1, KEEP));

/** The step that is shown: its number, and its iterate in the columns of the switch and in those of the points. */
function shownStep() {
  const { problem, runs: all } = runs(),
    run = all[state.method],
    k = Math.min(state.step, lastStep(run));
  const at = run.path[Math.min(k, run.path.length - 1)],
    slope = at[0] / problem.size;
  return { k, at, line: [slope, at[1] - slope * problem.shift] };
}

function picture() {
  const fit = fitOf(state.pts);
  if (fit.singular) return pictureOfLine(fit.w, "the shortest w", { edit: { ...edits, add: null } });
  const { k, line } = shownStep(),
    view = viewOf(state.pts, true),
    ends = view.x.map(x => line[0] * x + line[1]);
  const below = Math.max(...ends) < view.y[0],
    above = Math.min(...ends) > view.y[1];
  const words = `y = ${num(line[0], 3)} x ${line[1] < 0 ? "−" : "+"} ${num(Math.abs(line[1]), 3)}`;
  const note =
    below || above ? { text: `this line is far ${below ? "below" : "above"}: ${words}`, low: below } : null;
  return pictureOfLine(line, `step ${k}`, { view, squares: false, note });
}

function draw() {
  const fit = fitOf(state.pts);
  for (const part of document.querySelectorAll("#descent .needs-inverse")) part.hidden = fit.singular;
  $("descent-none").hidden = !fit.singular;
  if (fit.singular) return;
  const { problem, rate, runs: all } = runs(),
    now = shownStep();
  drawPlane(problem, all[state.method], now);
  drawControls(problem, rate, all[state.method], now.k);
  drawTable(all);
}

function drawPlane(problem, run, { k, at }) {
  const svg = plane.svg,
    [W, height] = sizeOf(svg, 560, 440),
    { w } = problem;
  // The start at zero and the goal are always in the picture.
  const reach = Math.max(Math.hypot(...w), 1e-9),
    half = reach * 0.72;
  const view = { x: [w[0] / 2 - half, w[0] / 2 + half], y: [w[1] / 2 - half, w[1] / 2 + half] };
  const x = problem.size !== 1 ? "slope, per standard deviation of x" : "slope a";
  const y = problem.shift ? "height at the mean of x" : "height b";
  const labels = { x, y, xClass: "ca", yClass: "cb", nx: 6, ny: 5 };
  plane.place({ l: 52, r: W - 12, t: 26, b: height - 44 }, view, true, labels);
  plane.contours(problem.H, w, problem.eigen.values[0] * (reach * 2.4) ** 2, 10);
  const pixel = ([a, b]) => [plane.sx(a), plane.sy(b)].map(v => clamp(v, -1e5, 1e5).toFixed(1));
  const pixels = run.path.slice(0, k + 1).map(pixel);
  plane.under.innerHTML =
    `<path class="trail" d="M${pixels.map(p => p.join(" ")).join("L")}"/>` +
    pixels
      .slice(0, 61)
      .map(([X, Y], i) => `<circle class="foot" cx="${X}" cy="${Y}" r="${i ? 2.6 : 5}"/>`)
      .join("");
  const [X, Y] = pixels.at(-1),
    gone = X < 0 || X > W || Y < 0 || Y > height;
  const here = gone
    ? label(W - 26, 48, `step ${k} is far outside this picture`, "label warning", "end")
    : `<circle class="mark here" cx="${X}" cy="${Y}" r="7"/>`;
  plane.over.innerHTML =
    plane.cross(w) + label(plane.sx(0) - 12, plane.sy(0) + 5, "start: w = 0", "num", "end") + here;
  Object.assign(svg.dataset, { stepA: at[0], stepB: at[1], goalA: w[0], goalB: w[1] });
}

function drawControls(problem, rate, run, k) {
  const byHand = state.method === "gd",
    last = lastStep(run),
    total = run.counts[2];
  const used = { gd: rate, best: problem.best, momentum: problem.limit / 2, cg: null }[state.method];
  $("descent-rate").value = state.ratePlace;
  const marks = `best ${num(problem.best)}, breaks at ${num(problem.limit)}`;
  $("descent-rate").setAttribute("aria-valuetext", `${num(rate, 5)}; ${marks}`);
  $("descent-rates").classList.toggle("off", !byHand);
  show($("descent-value"), "rate", used, used === null ? "chosen at each step" : num(used, 5));
  show($("descent-mark-best"), "best-rate", problem.best, num(problem.best));
  show($("descent-mark-limit"), "limit", problem.limit, num(problem.limit));
  $("descent-zone").textContent = byHand ? zone(state.ratePlace) : "";
  Object.assign($("descent-step"), { max: last, value: k });
  const more = total === null ? "" : total > last ? ` of ${count(total)}` : "";
  $("descent-count").textContent = `${k}${more}`;
  $("descent-walk").textContent = walking ? "stop" : "walk";
  press("scale", state.scale);
  const { condition } = problem;
  show($("descent-condition"), "condition", condition, condition < 1.0000001 ? "1" : num(condition));
}

function zone(place) {
  if (place < BEST - 0.25) return "small steps: safe and slow";
  if (place < BEST) return "quick across, slow along the valley";
  if (place === BEST) return "the best fixed rate";
  if (place < LIMIT) return "every step jumps across the valley, nearly as far as the one before";
  if (place === LIMIT) return "at the limit: across the valley and back, for ever";
  return "too large: every step ends higher than the one before";
}

function drawTable(all) {
  for (const row of document.querySelectorAll("#descent-table [data-row-of]")) {
    const method = row.dataset.rowOf,
      run = all[method];
    row.classList.toggle("on", method === state.method);
    row.querySelector("button").setAttribute("aria-pressed", method === state.method);
    if (!run) continue;
    DIGITS.forEach((d, i) => {
      const steps = run.counts[i],
        predicted = run.predicted[i];
      const text = steps !== null ? count(steps) : Number.isFinite(predicted) ? "…" : "never";
      row.cells[i + 1].innerHTML =
        shown("b", `steps-${method}-${d}`, steps, text) +
        shown("small", `predicted-${method}-${d}`, predicted, count(predicted));
    });
  }
}

function say() {
  if (fitOf(state.pts).singular) return "All points stand above one x: the walk has no single goal.";
  const { problem, rate, runs: all } = runs(),
    run = all[state.method],
    { k, at } = shownStep();
  const steps = run.counts[2],
    needed = steps === null ? "never eight digits" : `eight digits after ${count(steps)} steps`;
  return (
    `Rate ${num(rate)}, best ${num(problem.best)}, breaks at ${num(problem.limit)}. ` +
    `Condition ${num(problem.condition)}. Step ${k}: slope ${num(at[0])}, height ${num(at[1])}; ${needed}.`
  );
}
