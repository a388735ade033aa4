// Singular value decomposition by one-sided Jacobi rotations, which leaves small singular values their digits.

const SWEEPS = 40; // ten are many; columns that are zero but for rounding would go on

/**
 * A = U diag(s) V' for a matrix given as an array of columns. Returns { U, s, V }: arrays of columns, singular values
 * descending. Columns of U for singular values of zero are zeros.
 */
export function svd(columns) {
  const n = columns.length,
    A = columns.map(c => Float64Array.from(c));
  const V = columns.map((_, j) => Float64Array.from({ length: n }, (_, i) => +(i === j)));
  for (let k = 0; k < SWEEPS && sweep(A, V); k++);
  const s = A.map(c => Math.hypot(...c)),
    order = [...s.keys()].sort((i, j) => s[j] - s[i]);
  return {
    U: order.map(j => A[j].map(t => (s[j] > 0 ? t / s[j] : 0))),
    s: order.map(j => s[j]),
    V: order.map(j => V[j]),
  };
}

/** Rotate every pair of columns until they are orthogonal; false where all of them were. */
function sweep(A, V) {
  let rotated = false;
  for (let i = 0; i < A.length; i++) {
    for (let j = i + 1; j < A.length; j++) {
      const p = dot(A[i], A[i]),
        q = dot(A[i], A[j]),
        r = dot(A[j], A[j]);
      if (Math.abs(q) <= 1e-15 * Math.sqrt(p * r)) continue;
      rotated = true;
      const z = (r - p) / (2 * q),
        t = Math.sign(z || 1) / (Math.abs(z) + Math.hypot(1, z));
      const cosine = 1 / Math.hypot(1, t),
        sine = cosine * t;
      for (const M of [A, V]) rotate(M[i], M[j], cosine, sine);
    }
  }
  return rotated;
}

function rotate(u, v, cosine, sine) {
  for (let k = 0; k < u.length; k++) [u[k], v[k]] = [cosine * u[k] - sine * v[k], sine * u[k] + cosine * v[k]];
}

export function dot(u, v) {
  let sum = 0;
  for (let k = 0; k < u.length; k++) sum += u[k] * v[k];
  return sum;
}
