// Scene: what a line costs. Points to drag, type and paste; squares on the misses.
import { pointsOf, textOf } from "../algebra/paste.js";
import { num } from "../algebra/numbers.js";
import { cost } from "../algebra/line.js";
import { $, escaped } from "../parts/dom.js";
import { edits, fitOf, ownLine, pictureOfLine, titleOfOwn } from "../parts/line_picture.js";
import { math, mi, mn, mo } from "../parts/mathml.js";
import { SETS, set, state } from "../parts/state.js";

export const costScene = { key: "cost", wire, picture, draw, say };

function wire(stage) {
  $("cost-best").onclick = () => set({ w: null });
  $("cost-add").onclick = () => stage.addSomewhere();
  $("cost-remove").onclick = () => stage.removeLit();
  for (const { key, title, points } of SETS.values()) {
    const button = document.createElement("button");
    button.innerHTML = escaped(title);
    button.dataset.set = key;
    button.onclick = () => set({ data: key, pts: points, w: null, lit: Math.min(7, points.length - 1) });
    $("cost-sets").append(button);
  }
  $("paste-take").onclick = take;
  $("paste-text").addEventListener("keydown", e => {
    if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) take();
  });
}

function take() {
  const { points, problem } = pointsOf($("paste-text").value);
  $("paste-problem").textContent = problem ? `Not taken: ${problem}.` : `${points.length} points taken.`;
  $("paste-text").setAttribute("aria-invalid", Boolean(problem));
  if (points) set({ pts: points, w: null, lit: 0 });
}

function picture() {
  const w = ownLine();
  return pictureOfLine(w, titleOfOwn(), { grips: ownLine, edit: edits });
}

let written = null; // the points that stand in the box

function draw() {
  const fit = fitOf(state.pts),
    [a, b] = ownLine(),
    paid = cost(state.pts, [a, b]);
  $("cost-line").innerHTML = math(
    `${mi("y")}${mo("=")}${mn("line-a", a, 5, "ca")}${mi("x")}${mo(b < 0 ? "−" : "+")}` +
      mn("line-b", Math.abs(b), 5, "cb"),
  );
  $("cost-say").textContent = said(paid, fit.cost);
  $("cost-best").disabled = !state.w;
  for (const button of $("cost-sets").children) {
    button.setAttribute(
      "aria-pressed",
      state.data === button.dataset.set && state.pts === SETS.get(state.data).points,
    );
  }
  // Somebody who is typing is not interrupted.
  if (written !== state.pts && document.activeElement !== $("paste-text")) {
    $("paste-text").value = textOf(state.pts);
    written = state.pts;
  }
}

function said(paid, lowest) {
  if (!state.w) return `The best line costs ${num(lowest, 5)}. Pull at its ends: every other line costs more.`;
  const times = paid / lowest;
  const share = times > 100 ? "more than 100" : num(times, 3);
  const beside = times < 1.0005 ? "you have found it." : `you pay ${share} times as much.`;
  return `This line costs ${num(paid, 5)}. The lowest there is costs ${num(lowest, 5)}: ${beside}`;
}

function say() {
  const [a, b] = ownLine();
  return `${state.pts.length} points. Line: y = ${num(a)} x + ${num(b)}. Cost ${num(cost(state.pts, [a, b]))}.`;
}
