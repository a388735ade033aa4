// Logistic regression by Newton's method: each pass is a weighted normal equation.
import { solve2 } from "./line.js";

export const sigmoid = t => 1 / (1 + Math.exp(-t));

const ENOUGH = 1e-12; // the next step would be lost in rounding

/** Passes from w = 0, at most `most`; ridge penalises the slope. The last one is where the steps became small. */
export function passes(points, ridge, most) {
  const list = [];
  for (let w = [0, 0], number = 0; number <= most; number++) {
    const now = tangent(points, w, ridge);
    list.push({ number, ...now });
    if (now.step < ENOUGH) break;
    w = [w[0] + now.fraction * now.d[0], w[1] + now.fraction * now.d[1]];
  }
  return list;
}

/** At w: each row with its probability, weight and working outcome; X'WX, the right side, and the step d. */
function tangent(points, w, ridge) {
  const rows = points.map(([x, y]) => {
    // (y - p) / weight without cancellation, and where the weight is lost: 1 / p, or -1 / (1 - p)
    const eta = w[0] * x + w[1],
      p = sigmoid(eta),
      q = sigmoid(-eta),
      miss = y ? q : -p;
    return { x, y, eta, p, miss, weight: p * q, working: eta + (y ? 1 / p : -1 / q) };
  });
  const H = [
      [ridge, 0],
      [0, 0],
    ],
    g = [-ridge * w[0], 0];
  for (const { x, miss, weight } of rows) {
    H[0][0] += weight * x * x;
    H[0][1] += weight * x;
    H[1][1] += weight;
    g[0] += x * miss;
    g[1] += miss;
  }
  H[1][0] = H[0][1];
  const d = solve2(H, g),
    penalised = v => deviance(points, v) + ridge * v[0] ** 2;
  const fraction = halved(t => penalised([w[0] + t * d[0], w[1] + t * d[1]]));
  return {
    w,
    rows,
    H,
    g,
    d,
    fraction,
    step: Math.max(Math.abs(d[0]), Math.abs(d[1])),
    deviance: deviance(points, w),
  };
}

/** 1, 1/2, 1/4, ...: the first at which f is not above f(0), but for rounding. */
export function halved(f) {
  const start = f(0),
    bound = start + 1e-12 * Math.abs(start);
  for (let t = 1; t > 1e-6; t /= 2) if (f(t) <= bound) return t;
  return 0;
}

/** Minus twice the log-likelihood. */
export function deviance(points, w) {
  // log(1 + e^t) without overflow
  const softplus = t => (t > 0 ? t + Math.log1p(Math.exp(-t)) : Math.log1p(Math.exp(t)));
  return points.reduce((sum, [x, y]) => sum + 2 * softplus((y ? -1 : 1) * (w[0] * x + w[1])), 0);
}

/** Does a threshold on x separate the ones from the zeros? Then a steeper sigmoid is always better. */
export function separated(points) {
  const ones = points.filter(p => p[1]).map(p => p[0]),
    zeros = points.filter(p => !p[1]).map(p => p[0]);
  if (!ones.length || !zeros.length) return true;
  return Math.max(...ones) <= Math.min(...zeros) || Math.max(...zeros) <= Math.min(...ones);
}
