// What the scenes of the line share: the fit of the points, their edits, and the picture of a line through them.
import { line } from "../algebra/line.js";
import { memo } from "./dom.js";
import { SETS, set, state } from "./state.js";

export const fitOf = memo(line);

/** The lit point's number. */
export const litRow = () => Math.min(state.lit, state.pts.length - 1);

/** at: where a point is now, which a picture that was drawn before the last change does not know. */
export const edits = {
  at: i => state.pts[i],
  move: (i, p) => set({ pts: state.pts.map((q, j) => (j === i ? p : q)), lit: i }),
  add: p => set({ pts: [...state.pts, p], lit: state.pts.length }),
  remove: i => {
    // Two points are the least that a line can be asked for.
    if (state.pts.length > 2) set({ pts: state.pts.filter((_, j) => j !== i), lit: Math.max(0, i - 1) });
  },
};

const range = values => [Math.min(...values), Math.max(...values)];

/** Ranges about the points, with air; and with y = 0 where that is wanted. */
export const viewOf = memo((points, withZero) => {
  const [x0, x1] = range(points.map(p => p[0]));
  const [y0, y1] = range([...points.map(p => p[1]), ...(withZero ? [0] : [])]);
  const dx = x1 - x0 || 2,
    dy = y1 - y0 || 1,
    air = withZero ? 0.08 : 0.28;
  return { x: [x0 - dx * 0.09, x1 + dx * 0.12], y: [y0 - dy * air, y1 + dy * air] };
});

/** Labels of the axes: the letter, and the name where it says more. */
export function axisNames() {
  const { x, y } = SETS.get(state.data),
    named = (letter, name) => (name === letter ? letter : `${letter}: ${name}`);
  return { x: named("x", x), y: named("y", y) };
}

/** A picture of points and what a scene adds to it. */
export const pictureOfPoints = more => ({
  key: "points",
  points: state.pts,
  view: viewOf(state.pts, false),
  axes: axisNames(),
  edit: { ...edits, add: null },
  lines: [],
  squares: false,
  misses: [],
  grips: null,
  ...more,
});

/** A picture of the line w with its squares; the best line dashed beside it where w is another. */
export function pictureOfLine(w, title, more = {}) {
  const fit = fitOf(state.pts),
    own = w !== fit.w,
    misses = state.pts.map(([x, y]) => y - (w[0] * x + w[1]));
  const lines = own
    ? [
        { at: fit.w, cls: "ghost" },
        { at: w, cls: "fit own" },
      ]
    : [{ at: w, cls: "fit" }];
  return pictureOfPoints({
    lines,
    misses,
    squares: true,
    bar: { misses, title, lowest: own ? fit.cost : null },
    ...more,
  });
}

/** The line of the reader's own, or the best one. */
export const ownLine = () => state.w ?? fitOf(state.pts).w;
export const titleOfOwn = () => (state.w ? "this line" : "the best line");
