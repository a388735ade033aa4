// Sums of products in twice the precision, and their quicker ways for columns that are stored by rows.
//
// The order of every sum is that of gramian_twofold_times and gramian_twofold_products in kernels.cpp, so the bits are
// the same; rows are read from left to right, as they stand in memory.
#pragma once
#include "parts.h"

namespace {

constexpr int TILE_COLUMNS = 512;  // columns whose sums stay in the cache, and of which a row is read at once
constexpr int LANE = TILE_COLUMNS + STRIP;  // numbers from one lane of sums to the next, no power of two
constexpr int LANES_AT_ONCE = W < 8 ? 4 : 8;  // of eight, so that their sums stay in registers
constexpr int GROUPS = 2;                   // vectors of rows that are added up side by side

// The rounded product of x and (v, low of v), with the rounding error and what the low parts add.
inline vec product(vec x, vec v, vec v_low, vec& error) {
  vec p = x * v;
  error = fused(x, v_low, fused(x, v, -p));
  return p;
}

// Adds x * v to h + l, with the rounding errors of the product and of the sum in l.
inline void add_product(vec x, const double* x_low, vec v, vec v_low, vec& h, vec& l) {
  vec error, p = product(x, v, v_low, error), s, e;
  if (x_low) error = fused(load(x_low), v, error);
  two_sum(h, p, s, e);
  h = s;
  l = l + (e + error);
}

// A value is added to h + l.
inline void add_value(double value, double low, double& h, double& l) {
  double s = h + value, t = s - h;
  l += ((h - (s - t)) + (value - t)) + low;
  h = s;
}

// Whether columns are float64 by rows, and are neither shifted nor scaled.
inline bool is_plain_rows(const Part& part) {
  if (part.kind != FLOAT64 || !is_by_rows(part) || part.down < 0) return false;
  for (int64_t j = 0; j < part.columns; j++)
    if (part.shift[j] != 0.0 || part.scale[j] != 1.0) return false;
  return true;
}

inline const double* row_of(const Part& x, int64_t row) {
  return reinterpret_cast<const double*>(x.data + row * x.down);
}

// Adds m <= W columns of W * GROUPS rows, times v, to h + l.
inline void add_columns(const Part& x, int64_t first, int64_t j, int m, const double* v, const double* v_low, vec* h,
                        vec* l) {
#pragma GCC unroll 2
  for (int g = 0; g < GROUPS; g++) {
    vec columns[W];
#pragma GCC unroll 8
    for (int i = 0; i < W; i++) columns[i] = load_some(row_of(x, first + g * W + i) + j, m);
    transpose(columns);
#pragma GCC unroll 8
    for (int c = 0; c < W; c++)
      if (c < m) add_product(columns[c], nullptr, repeat(v[j + c]), repeat(v_low[j + c]), h[g], l[g]);
  }
}

// r + r_low = X v of W * GROUPS rows.
inline void times_of_rows(const Part& x, int64_t first, const double* v, const double* v_low, double* r,
                          double* r_low) {
  vec h[GROUPS], l[GROUPS];
  for (int g = 0; g < GROUPS; g++) h[g] = l[g] = repeat(0.0);
  int64_t whole = x.columns / W * W;
  for (int64_t j = 0; j < whole; j += W) add_columns(x, first, j, W, v, v_low, h, l);
  if (whole < x.columns) add_columns(x, first, whole, (int)(x.columns - whole), v, v_low, h, l);
  for (int g = 0; g < GROUPS; g++) store(r + first + g * W, h[g]), store(r_low + first + g * W, l[g]);
}

// r + r_low = X v of the rows that fill vectors; returns their number.
inline int64_t times_by_rows(const Part& x, int64_t rows, const double* v, const double* v_low, double* r,
                             double* r_low) {
  int64_t first = 0;
  for (; first + W * GROUPS <= rows; first += W * GROUPS) times_of_rows(x, first, v, v_low, r, r_low);
  return first;
}

// Adds `rows` rows, m <= W columns of each, to lanes of sums: row i to lane i modulo eight. h, l : (8, LANE).
inline void add_to_lanes(const Part& x, int64_t first, int rows, int64_t column, int m, const double* w,
                         const double* w_low, double* h, double* l) {
  const int64_t ahead = SHORT_ROWS * x.down / (int64_t)sizeof(double);  // the rows that are read next
  for (int from = 0; from < STRIP; from += LANES_AT_ONCE) {
    vec sums[LANES_AT_ONCE], errors[LANES_AT_ONCE];
#pragma GCC unroll 8
    for (int i = 0; i < LANES_AT_ONCE; i++) {
      sums[i] = load(h + (from + i) * LANE);
      errors[i] = load(l + (from + i) * LANE);
    }
    for (int64_t k = first + from; k < first + rows; k += STRIP)
#pragma GCC unroll 8
      for (int i = 0; i < LANES_AT_ONCE; i++) {
        const double* here = row_of(x, k + i) + column;
        __builtin_prefetch(here + ahead);
        add_product(load_some(here, m), nullptr, repeat(w[k + i]), repeat(w_low[k + i]), sums[i],
                    errors[i]);
      }
#pragma GCC unroll 8
    for (int i = 0; i < LANES_AT_ONCE; i++) {
      store(h + (from + i) * LANE, sums[i]);
      store(l + (from + i) * LANE, errors[i]);
    }
  }
}

// Adds fewer than eight rows to lanes of their own.
inline void add_last_to_lanes(const Part& x, int64_t first, int rows, int64_t column, int m, const double* w,
                              const double* w_low, double* h, double* l) {
  for (int i = 0; i < rows; i++) {
    vec sum = load(h + i * LANE), error = load(l + i * LANE);
    int64_t k = first + i;
    add_product(load_some(row_of(x, k) + column, m), nullptr, repeat(w[k]), repeat(w_low[k]), sum, error);
    store(h + i * LANE, sum);
    store(l + i * LANE, error);
  }
}

// g + g_low = X'w.
inline void products_by_rows(const Part& x, int64_t rows, const double* w, const double* w_low, double* g,
                             double* g_low) {
  double h[STRIP * LANE], l[STRIP * LANE];
  for (int64_t first = 0; first < rows; first += SHORT_ROWS)
    for (int64_t begin = 0; begin < x.columns; begin += TILE_COLUMNS) {
      int64_t stop = std::min<int64_t>(begin + TILE_COLUMNS, x.columns);
      int here = (int)std::min<int64_t>(SHORT_ROWS, rows - first);
      for (int lane = 0; lane < STRIP; lane++) {
        std::memset(h + lane * LANE, 0, sizeof(double) * padded((int)(stop - begin)));
        std::memset(l + lane * LANE, 0, sizeof(double) * padded((int)(stop - begin)));
      }
      for (int some = 0; some < here; some += 4 * STRIP)  // as many rows are read side by side
        for (int64_t j = begin; j < stop; j += W) {
          int count = std::min(4 * STRIP, here - some), whole = count / STRIP * STRIP;
          double *hj = h + (j - begin), *lj = l + (j - begin);
          if (j + W <= stop)
            add_to_lanes(x, first + some, whole, j, W, w, w_low, hj, lj);
          else
            add_to_lanes(x, first + some, whole, j, (int)(stop - j), w, w_low, hj, lj);
          int m = (int)std::min<int64_t>(W, stop - j);
          if (whole < count) add_last_to_lanes(x, first + some + whole, count - whole, j, m, w, w_low, hj, lj);
        }
      for (int64_t j = begin; j < stop; j += W) {
        int m = (int)std::min<int64_t>(W, stop - j);
        vec sum = load_some(g + j, m), error = load_some(g_low + j, m);
        for (int lane = 0; lane < STRIP; lane++) {
          vec s, e;
          two_sum(sum, load(h + lane * LANE + (j - begin)), s, e);
          error = error + (e + load(l + lane * LANE + (j - begin)));
          sum = s;
        }
        store_some(g + j, sum, m), store_some(g_low + j, error, m);
      }
    }
}

}  // namespace
