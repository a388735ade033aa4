// The figure that stays while the scenes pass. It draws what a scene says, and knows nothing of scenes:
//   picture = { key, points, view: { x, y }, axes: { x, y }, edit: { move, add, remove, flip }, lines: [{ at, cls }],
//               squares: bool, misses, grips: () => w or null, bar, note, radius(i), dim(i) }
import { axes, clamp, rectOf, scales } from "../parts/axes.js";
import { el, pool, put } from "../parts/dom.js";
import { sizeOf } from "../parts/size.js";
import { calm, pointer, set, state } from "../parts/state.js";
import { bar } from "./bar.js";
import { dots } from "./dots.js";
import { grips } from "./grips.js";

const GLIDE = 260; // ms in which axes come to where they belong
const FAR = 2e4; // pixels

export function stage(svg) {
  const clip = el("rect", {}, el("clipPath", { id: "inside" }, svg));
  const ground = el("rect", { class: "ground" }, svg),
    grid = el("g", { class: "axes" }, svg);
  const inside = el("g", { "clip-path": "url(#inside)" }, svg),
    squares = el("g", { class: "squares" }, inside);
  const lines = el("g", {}, inside),
    gripGroup = el("g", {}, svg);
  const dotGroup = el("g", { role: "group", "aria-label": "the points" }, svg);
  const barGroup = el("g", { class: "bar" }, svg),
    note = el("text", { class: "label warning" }, svg);
  let now = null; // { picture, view, and the scales of it }
  let goal = null,
    from = null,
    began = 0;
  const frame = () => now,
    points = dots(dotGroup, frame),
    drawGrips = grips(gripGroup, frame),
    drawBar = bar(barGroup);

  svg.addEventListener("click", e => {
    if (e.target === ground && e.detail < 2 && now.picture.edit.add) points.add(now.inverse(e), false);
  });

  /** The ranges to draw: those that the picture asks for, but they wait while something is dragged, and then glide. */
  function viewOf(picture, atOnce) {
    const ranges = [...picture.view.x, ...picture.view.y];
    if (!now || now.picture.key !== picture.key) goal = from = ranges;
    else if (!pointer.dragging && ranges.some((v, i) => v !== goal[i])) {
      from = [...now.x, ...now.y];
      goal = ranges;
      began = performance.now();
    }
    const t = calm() || atOnce ? 1 : Math.min(1, (performance.now() - began) / GLIDE),
      share = t * (2 - t);
    if (t < 1 && from !== goal) set({});
    else from = goal;
    const mixed = goal.map((v, i) => (t < 1 ? from[i] + (v - from[i]) * share : v));
    return { x: mixed.slice(0, 2), y: mixed.slice(2) };
  }

  function place(picture, atOnce) {
    const [W, H] = sizeOf(svg, 540, 540),
      small = W < 480 || H < 380;
    const box = { l: 50, r: W - 12, t: small ? 14 : 26, b: H - (small ? 76 : 124) },
      { x, y } = viewOf(picture, atOnce);
    const key = [W, H, ...x, ...y, picture.key].join();
    now = key === now?.drawn ? { ...now, picture } : { ...scales(svg, box, x, y), picture, drawn: key };
    Object.assign(now, { small, top: H - (small ? 18 : 58), width: W });
    if (grid.dataset.drawn === key) return;
    grid.dataset.drawn = key;
    const labels = { x: small ? "" : picture.axes.x, y: small ? "" : picture.axes.y, xClass: "ca", yClass: "cy" };
    grid.innerHTML = axes(now, { ...labels, nx: small ? 6 : 9, ny: small ? 4 : 6 });
    for (const e of [clip, ground]) put(e, rectOf({ ...box, t: box.t - 8 }));
  }

  const across = f => {
    const { x, sx, sy } = now,
      n = 160,
      corner = i => {
        const u = x[0] + ((x[1] - x[0]) * i) / n,
          v = clamp(sy(f(u)), -FAR, FAR);
        return `${sx(u).toFixed(1)} ${Number.isFinite(v) ? v.toFixed(1) : 0}`;
      };
    return `M${Array.from({ length: n + 1 }, (_, i) => corner(i)).join("L")}`;
  };
  const straight = ([a, b]) => {
    const { x, sx, sy } = now;
    return `M${x.map(u => `${sx(u)} ${clamp(sy(a * u + b), -1e5, 1e5)}`).join("L")}`;
  };

  function drawLines({ lines: given }) {
    const paths = pool(lines, given.length, () => el("path"));
    given.forEach(({ at, cls }, i) =>
      put(paths[i], { class: cls, d: typeof at === "function" ? across(at) : straight(at) }),
    );
  }

  /** Squares on the misses: as many pixels wide as they are high. */
  function drawSquares({ points: all, squares: wanted, misses }, lit) {
    const groups = pool(squares, wanted ? all.length : 0, () => {
      const g = el("g");
      el("rect", {}, g);
      el("path", {}, g);
      return g;
    });
    if (wanted)
      all.forEach(([x, y], i) => {
        const X = now.sx(x),
          Y = now.sy(y),
          foot = now.sy(y - misses[i]),
          side = Math.abs(foot - Y),
          [r, p] = groups[i].childNodes;
        groups[i].setAttribute("class", i === lit ? "lit" : "");
        const left = misses[i] > 0 ? X : X - side,
          size = side.toFixed(2);
        put(r, { x: left.toFixed(2), y: Math.min(foot, Y).toFixed(2), width: size, height: size });
        p.setAttribute("d", `M${X.toFixed(2)} ${Y.toFixed(2)}V${foot.toFixed(2)}`);
      });
  }

  /** atOnce: axes do not glide. */
  function draw(picture, atOnce = false) {
    place(picture, atOnce);
    const lit = Math.min(state.lit, picture.points.length - 1);
    drawLines(picture);
    drawSquares(picture, lit);
    points.draw();
    drawGrips();
    drawBar(picture, now, lit);
    note.textContent = picture.note?.text ?? "";
    put(note, { x: now.box.r - 12, y: picture.note?.low ? now.box.b - 14 : now.box.t + 18, "text-anchor": "end" });
  }

  /** A point where there is room for one; and away with the lit one. */
  const addSomewhere = () => {
    const { x, y, picture } = now;
    points.add(
      [x[0] + (x[1] - x[0]) * (0.3 + 0.4 * ((picture.points.length * 0.618) % 1)), (y[0] + y[1]) / 2],
      false,
    );
  };
  const removeLit = () => points.remove(Math.min(state.lit, now.picture.points.length - 1), false);
  return { draw, addSomewhere, removeLit, view: () => now };
}
