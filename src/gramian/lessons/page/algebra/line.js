// The normal equation of a line y = a x + b. Matrices are arrays of rows; the column of ones is the last.

/** The sums that X'X and X'y are made of. */
export function sums(points) {
  const s = { rows: points.length, x: 0, xx: 0, y: 0, xy: 0, yy: 0 };
  for (const [x, y] of points) {
    s.x += x;
    s.xx += x * x;
    s.y += y;
    s.xy += x * y;
    s.yy += y * y;
  }
  return s;
}

/** Everything about the line through the points: sums, X'X, X'y, determinant, inverse, w, eigenvalues and cost. */
export function line(points) {
  const s = sums(points),
    m = s.rows,
    H = [
      [s.xx, s.x],
      [s.x, m],
    ],
    c = [s.xy, s.y];
  const xMean = s.x / m,
    yMean = s.y / m;
  // Deviations from the means give the determinant without cancellation.
  let sxx = 0,
    sxy = 0;
  for (const [x, y] of points) {
    sxx += (x - xMean) ** 2;
    sxy += (x - xMean) * (y - yMean);
  }
  const singular = points.every(p => p[0] === points[0][0]);
  const determinant = singular ? 0 : m * sxx,
    eigen = eigen2(H, determinant);
  const w = singular ? shortest(c, eigen) : [sxy / sxx, yMean - (sxy / sxx) * xMean];
  const inverse = singular
    ? null
    : [
        [m / determinant, -s.x / determinant],
        [-s.x / determinant, s.xx / determinant],
      ];
  return { ...s, xMean, yMean, sxx, H, c, determinant, singular, inverse, w, eigen, cost: cost(points, w) };
}

/** Sum of the squared misses of the line a x + b. */
export function cost(points, [a, b]) {
  return points.reduce((sum, [x, y]) => sum + (a * x + b - y) ** 2, 0);
}

/** The gradient of the cost, 2X'(Xw - y). */
export function gradient(points, [a, b]) {
  let along_a = 0,
    along_b = 0;
  for (const [x, y] of points) {
    const miss = a * x + b - y;
    along_a += 2 * x * miss;
    along_b += 2 * miss;
  }
  return [along_a, along_b];
}

/** Eigenvalues, ascending, and eigenvectors of a symmetric 2 x 2 matrix whose determinant may be known better. */
export function eigen2([[p, q], [, r]], determinant = p * r - q * q) {
  const high = (p + r) / 2 + Math.hypot((p - r) / 2, q),
    angle = Math.atan2(2 * q, p - r) / 2;
  const low = high > 0 ? Math.max(determinant / high, 0) : 0;
  const v = [Math.cos(angle), Math.sin(angle)];
  return { values: [low, high], vectors: [[-v[1], v[0]], v] };
}

/** Solution of a symmetric 2 x 2 system; [0, 0] without an inverse. */
export function solve2([[p, q], [, r]], [u, v]) {
  const determinant = p * r - q * q;
  return determinant > 0 ? [(r * u - q * v) / determinant, (p * v - q * u) / determinant] : [0, 0];
}

/** The shortest w of a singular X'X: along the one eigenvector that is left. */
function shortest(c, { values: [, high], vectors: [, v] }) {
  const along = high > 0 ? (v[0] * c[0] + v[1] * c[1]) / high : 0;
  return [along * v[0], along * v[1]];
}
