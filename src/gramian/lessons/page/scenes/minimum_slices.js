// The cost along a, above the plane, and along b, at its right, each with its tangent at the reader's line.
import { rect } from "../parts/axes.js";
import { label } from "../parts/dom.js";

const STEPS = 60;

/** Markup of both slices. options: w, the cost at the upper edge, the space beside the plane, its width. */
export function slices(plane, fit, { w: [a, b], top, side, small, width }) {
  const { box, x, y, sx, sy } = plane,
    { H } = fit;
  const costAt = (u, v) => {
    const p = u - fit.w[0],
      q = v - fit.w[1];
    return fit.cost + H[0][0] * p * p + 2 * H[0][1] * p * q + H[1][1] * q * q;
  };
  const height = j => (Math.min(j, 3 * top) / top) * (side - 20);
  const up = j => box.t - 12 - height(j),
    out = j => box.r + 12 + height(j);
  const along = ([low, high], corner) =>
    `M${Array.from({ length: STEPS + 1 }, (_, i) => corner(low + ((high - low) * i) / STEPS)).join("L")}`;
  const over = along(x, u => `${sx(u).toFixed(1)} ${up(costAt(u, b)).toFixed(1)}`);
  const beside = along(y, v => `${out(costAt(a, v)).toFixed(1)} ${sy(v).toFixed(1)}`);
  // Tangents have the same length on the screen, whatever their slope.
  const paid = costAt(a, b),
    half = small ? 26 : 44;
  const slope = H.map(([p, q]) => 2 * (p * (a - fit.w[0]) + q * (b - fit.w[1])));
  const tangent = m => [half / Math.hypot(1, m), (half * m) / Math.hypot(1, m)];
  // Pixels for a unit of cost, of a, and of b.
  const perCost = (side - 20) / top,
    perA = (box.r - box.l) / (x[1] - x[0]),
    perB = (box.b - box.t) / (y[1] - y[0]);
  const [ax, ay] = tangent((-slope[0] * perCost) / perA),
    [by, bx] = tangent((-slope[1] * perCost) / perB);
  const X = sx(a),
    Y = sy(b),
    atTop = up(paid),
    atRight = out(paid);
  const names =
    label(box.l + 4, 14, "the cost along a") + label(width - 2, box.t - 8, "the cost along b", "num", "end");
  const words = small ? "" : names;
  return `<clipPath id="slice-a">${rect({ ...box, t: 0, b: box.t - 2 })}</clipPath>
    <clipPath id="slice-b">${rect({ ...box, l: box.r + 2, r: box.r + side + 14 })}</clipPath>
    <g clip-path="url(#slice-a)"><path class="slice" d="${over}"/>${mark("ca", X, atTop, ax, ay)}</g>
    <g clip-path="url(#slice-b)"><path class="slice" d="${beside}"/>${mark("cb", atRight, Y, bx, by)}</g>${words}`;
}

const mark = (cls, x, y, dx, dy) => `<path class="tangent ${cls}" d="M${x - dx} ${y - dy}L${x + dx} ${y + dy}"/>
  <circle class="foot ${cls}" cx="${x}" cy="${y}" r="4.5"/>`;
