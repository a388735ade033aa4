// A polynomial through points, with ridge, in powers of t, which is x brought to -1 ... 1.
import { dot, svd } from "./svd.js";

/**
 * Coefficients of t, t^2, ... up to `degree`, penalised by ridge (the constant is not), which without ridge and with
 * more columns than rows are the shortest ones. Returns { at, cost, coefficients, constant, length, distinct }.
 */
export function polynomial(points, degree, ridge) {
  const xs = points.map(p => p[0]),
    low = Math.min(...xs),
    high = Math.max(...xs);
  const middle = (low + high) / 2,
    half = (high - low) / 2 || 1,
    distinct = new Set(xs).size;
  const powers = Array.from({ length: degree }, (_, k) => xs.map(x => ((x - middle) / half) ** (k + 1)));
  const means = powers.map(mean),
    yMean = mean(points.map(p => p[1]));
  const { U, s, V } = svd(powers.map((c, k) => c.map(t => t - means[k])));
  const y = points.map(p => p[1] - yMean),
    coefficients = Array(degree).fill(0);
  // Without the constant the powers have rank min(degree, distinct - 1); further singular values are rounding.
  for (let i = 0; i < Math.min(degree, distinct - 1); i++) {
    const share = (s[i] / (s[i] ** 2 + ridge)) * dot(U[i], y);
    coefficients.forEach((_, k) => {
      coefficients[k] += share * V[i][k];
    });
  }
  const constant = yMean - dot(coefficients, means);
  const at = x => constant + horner(coefficients, (x - middle) / half);
  const cost = points.reduce((sum, [x, v]) => sum + (at(x) - v) ** 2, 0);
  return { at, cost, coefficients, constant, length: Math.hypot(...coefficients), distinct };
}

/** Condition of X'X for the columns 1, x, ..., x^degree, as they are; infinite with more columns than distinct rows. */
export function conditionOfPowers(points, degree) {
  if (new Set(points.map(p => p[0])).size <= degree) return Infinity;
  const { s } = svd(Array.from({ length: degree + 1 }, (_, k) => points.map(([x]) => x ** k)));
  return (s[0] / s[degree]) ** 2;
}

const mean = values => values.reduce((sum, v) => sum + v, 0) / values.length;
const horner = (coefficients, t) => coefficients.reduceRight((sum, c) => (sum + c) * t, 0);
