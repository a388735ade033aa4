// Curves y = a f(b x) by Gauss-Newton: each pass is a normal equation with the derivatives in the place of X.
import { solve2 } from "./line.js";
import { halved } from "./sigmoid.js";

/** f and its derivative. */
export const CURVES = {
  tanh: { f: Math.tanh, slope: u => 1 - Math.tanh(u) ** 2 },
  arctan: { f: Math.atan, slope: u => 1 / (1 + u * u) },
};

const ENOUGH = 1e-12; // of the size of w

/** A start of the right size: half of the highest point, and the bend at the end of the data. */
export function startOf(points) {
  const size = k => Math.max(...points.map(p => Math.abs(p[k]))) || 1;
  return [size(1) / 2, 1 / size(0)];
}

/** Sum of the squared misses. */
export const costOf = (points, { f }, [a, b]) => points.reduce((sum, [x, y]) => sum + (y - a * f(b * x)) ** 2, 0);

/** Passes from a start, at most `most`. */
export function curvePasses(points, curve, start, most) {
  const list = [];
  for (let w = start, number = 0; number <= most; number++) {
    const now = tangent(points, curve, w);
    list.push({ number, ...now });
    if (now.step < ENOUGH || !now.fraction) break;
    w = [w[0] + now.fraction * now.d[0], w[1] + now.fraction * now.d[1]];
  }
  return list;
}

/** At w: the Jacobian's rows and the misses, J'J, J'r, the step d, and how much of it lowers the cost. */
function tangent(points, curve, w) {
  const [a, b] = w,
    H = [
      [0, 0],
      [0, 0],
    ],
    g = [0, 0];
  const rows = points.map(([x, y]) => {
    const along_a = curve.f(b * x),
      along_b = a * x * curve.slope(b * x),
      miss = y - a * along_a;
    H[0][0] += along_a * along_a;
    H[0][1] += along_a * along_b;
    H[1][1] += along_b * along_b;
    g[0] += along_a * miss;
    g[1] += along_b * miss;
    return { x, y, jacobian: [along_a, along_b], miss };
  });
  H[1][0] = H[0][1];
  const d = solve2(H, g),
    at = t => costOf(points, curve, [a + t * d[0], b + t * d[1]]);
  const step = Math.max(Math.abs(d[0] / (a || 1)), Math.abs(d[1] / (b || 1)));
  return { w, rows, H, g, d, fraction: halved(at), step, cost: at(0) };
}
