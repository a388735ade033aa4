// Ways downhill on the cost J(w) = w'Hw - 2c'w + y'y with H = X'X, from w = 0. The Hessian of J is 2H.
import { eigen2 } from "./line.js";

/** Best fixed rate, the rate from which on the walk diverges (2 / largest eigenvalue of 2H), and the condition of H. */
export function rates({ values: [low, high] }) {
  return { best: 1 / (low + high), limit: 1 / high, condition: high / low };
}

const times = (H, v) => [H[0][0] * v[0] + H[0][1] * v[1], H[1][0] * v[0] + H[1][1] * v[1]];
const dot = (u, v) => u[0] * v[0] + u[1] * v[1];
const plus = (u, t, v) => [u[0] + t * v[0], u[1] + t * v[1]];
const downhill = (H, c, w) => plus(c, -1, times(H, w)); // minus half of the gradient

/** w <- w - rate 2(Hw - c) */
export function* gradientDescent(H, c, rate) {
  for (let w = [0, 0]; ;) {
    w = plus(w, 2 * rate, downhill(H, c, w));
    yield w;
  }
}

/** Accelerated gradient with constant momentum (Nesterov 2004, 2.2.1): (sqrt k - 1) / (sqrt k + 1). */
export function* momentum(H, c, { limit, condition }) {
  const root = Math.sqrt(condition),
    mu = (root - 1) / (root + 1);
  for (let w = [0, 0], ahead = w; ;) {
    const next = plus(ahead, limit, downhill(H, c, ahead));
    ahead = plus(next, mu, plus(next, -1, w));
    w = next;
    yield w;
  }
}

/** Conjugate gradient (Hestenes and Stiefel 1952); ends without curvature. */
export function* conjugateGradient(H, c) {
  for (let w = [0, 0], r = [...c], p = r; ;) {
    const q = times(H, p),
      size = dot(r, r),
      curvature = dot(p, q);
    if (!(curvature > 0)) return;
    w = plus(w, size / curvature, p);
    r = plus(r, -size / curvature, q);
    p = plus(r, dot(r, r) / size, p);
    yield w;
  }
}

/** Distance of an iterate from w, relative to the length of w. */
const error = (at, w) => Math.hypot(at[0] - w[0], at[1] - w[1]) / (Math.hypot(...w) || 1);

/**
 * Walk until all digits are reached. counts: steps to each number of digits, null where they are not reached within
 * `limit` steps; path: the first `keep` iterates, from zero.
 */
export function walk(iterates, w, digits, keep, limit) {
  const counts = digits.map(() => null),
    path = [[0, 0]];
  let step = 0,
    next = 0;
  for (const at of iterates) {
    step++;
    if (path.length <= keep) path.push(at);
    const off = error(at, w);
    while (next < digits.length && off <= 10 ** -digits[next]) counts[next++] = step;
    if (next === digits.length || step >= limit || !(off < 1e12)) break;
  }
  return { counts, path, steps: step };
}

/** Steps of gradient descent to each number of digits, from the closed form of its error; null where it never comes. */
export function stepsAtRate(H, w, eigen, digits, rate) {
  const factors = eigen.values.map(l => Math.abs(1 - 2 * rate * l)),
    size = Math.hypot(...w) || 1;
  const start = eigen.vectors.map(v => dot(v, w) / size);
  const off = k => Math.hypot(start[0] * factors[0] ** k, start[1] * factors[1] ** k);
  return digits.map(d => (Math.max(...factors) < 1 ? firstBelow(off, 10 ** -d) : null));
}

/** Smallest k >= 1 with f(k) <= bound, for a falling f that reaches it; null beyond 10^15. */
function firstBelow(f, bound) {
  let high = 1;
  while (f(high) > bound) if ((high *= 2) > 1e15) return null;
  let low = Math.floor(high / 2);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (f(middle) <= bound) high = middle;
    else low = middle;
  }
  return high;
}

/** Steps to so many digits where each multiplies the error by 1 - gain. */
const stepsFor = (digits, gain) =>
  gain >= 1 ? 1 : gain > 0 ? Math.ceil((digits * Math.LN10) / -Math.log1p(-gain)) : Infinity;

/** Steps that theory predicts, by method: functions of digits, eigenvalues of H, and the rate. */
export const predicted = {
  gd: (digits, { values: [low, high] }, rate) => stepsFor(digits, Math.min(2 * rate * low, 2 - 2 * rate * high)),
  best: (digits, { values: [low, high] }) => stepsFor(digits, 2 / (high / low + 1)),
  momentum: (digits, { values: [low, high] }) => {
    // After j steps the error is (1 + j / sqrt k) (1 - 1 / sqrt k)^j; solved for j by fixed-point iteration.
    const gain = Math.sqrt(low / high);
    let factor = 0,
      count = 0;
    for (let i = 0; i < 50; i++) {
      count = stepsFor(digits + factor, gain);
      factor = Math.log10(1 + count * gain);
    }
    return count;
  },
  cg: (digits, { values: [low, high] }) => {
    const gain = 2 / (Math.sqrt(high / low) + 1);
    return gain >= 1 ? 1 : Math.min(2, Math.ceil((digits * Math.LN10 + Math.LN2) / -Math.log1p(-gain)));
  },
};

/** The points in the columns (x - shift) / size and 1: their H, c, w, eigenvalues and rates. */
export function rescaled(fit, shift, size) {
  // w of the new columns: the slope times size, the height at x = shift.
  const { rows: m } = fit,
    x = (fit.x - m * shift) / size,
    y = fit.y;
  const xx = (fit.sxx + m * (fit.xMean - shift) ** 2) / size ** 2,
    xy = (fit.xy - shift * y) / size;
  const H = [
      [xx, x],
      [x, m],
    ],
    w = [fit.w[0] * size, fit.w[1] + fit.w[0] * shift];
  const eigen = eigen2(H, fit.determinant / size ** 2);
  return { H, c: [xy, y], w, eigen, ...rates(eigen) };
}
