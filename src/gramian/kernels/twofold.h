// Sums of products in twice the precision, and their quicker ways for columns that are stored by rows.
//
// The order of every sum is that of gramian_twofold_times and gramian_twofold_products in kernels.cpp, so the bits are
// the same; rows are read from left to right, as they stand in memory.
#pragma once
#include "parts.h"

namespace {

constexpr int TILE_COLUMNS = 512;  // columns whose sums stay in the cache, and of which a row is read at once
// numbers from one lane of sums to the next: a write is never near, modulo 4096 bytes, to what is read after it
constexpr int LANE = TILE_COLUMNS + 8 * STRIP;
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

// What is read so many rows after the present ones, in order, while the rows are read `trips` times.
inline Ahead rows_ahead(const Part& x, int64_t rows, int trips) {
  return {x.data + rows * x.down, W * x.down / (trips * std::max<int64_t>(x.columns, 1))};
}

// m <= W columns of W * GROUPS rows, by columns. out : (W, W * GROUPS).
inline void turn(const Part& x, int64_t first, int64_t j, int m, double* out) {
#pragma GCC unroll 2
  for (int g = 0; g < GROUPS; g++) {
    vec columns[W];
#pragma GCC unroll 8
    for (int i = 0; i < W; i++) columns[i] = load_some(row_of(x, first + g * W + i) + j, m);
    transpose(columns);
#pragma GCC unroll 8
    for (int c = 0; c < W; c++) store(out + (c * GROUPS + g) * W, columns[c]);
  }
}

// Adds m <= W columns of W * GROUPS rows, times v, to h + l.
inline void add_columns(const double* turned, int m, const double* v, const double* v_low, vec* h, vec* l,
                        Ahead& ahead) {
  for (int c = 0; c < m; c++) {
    vec one = repeat(v[c]), low = repeat(v_low[c]);
#pragma GCC unroll 2
    for (int g = 0; g < GROUPS; g++) {
      ahead.fetch(1);
      add_product(load(turned + (c * GROUPS + g) * W), nullptr, one, low, h[g], l[g]);
    }
  }
}

// r + r_low = X v of W * GROUPS rows.
inline void times_of_rows(const Part& x, int64_t first, const double* v, const double* v_low, double* r,
                          double* r_low, Ahead& ahead) {
  vec h[GROUPS], l[GROUPS];
  alignas(64) double turned[W * W * GROUPS];
  for (int g = 0; g < GROUPS; g++) h[g] = l[g] = repeat(0.0);
  for (int64_t j = 0; j < x.columns; j += W) {
    int m = (int)std::min<int64_t>(W, x.columns - j);
    turn(x, first, j, m, turned);
    add_columns(turned, m, v + j, v_low + j, h, l, ahead);
  }
  for (int g = 0; g < GROUPS; g++) store(r + first + g * W, h[g]), store(r_low + first + g * W, l[g]);
}

// r + r_low = X v of the rows that fill vectors; returns their number.
inline int64_t times_by_rows(const Part& x, int64_t rows, const double* v, const double* v_low, double* r,
                             double* r_low, Ahead& ahead) {
  int64_t first = 0;
  for (; first + W * GROUPS <= rows; first += W * GROUPS) times_of_rows(x, first, v, v_low, r, r_low, ahead);
  return first;
}

// Adds `rows` rows, m <= W columns of each, to lanes of sums: row i to lane i modulo eight. h, l : (8, LANE).
inline void add_to_lanes(const Part& x, int64_t first, int rows, int64_t column, int m, const double* w,
                         const double* w_low, double* h, double* l, Ahead& ahead) {
  Ahead next = ahead;
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
        next.fetch(1);
        add_product(load_some(row_of(x, k + i) + column, m), nullptr, repeat(w[k + i]), repeat(w_low[k + i]), sums[i],
                    errors[i]);
      }
#pragma GCC unroll 8
    for (int i = 0; i < LANES_AT_ONCE; i++) {
      store(h + (from + i) * LANE, sums[i]);
      store(l + (from + i) * LANE, errors[i]);
    }
  }
  ahead = next;
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

// Sums of X'w of at most SHORT_ROWS rows and TILE_COLUMNS columns, row i in lane i modulo eight.
struct Lanes {
  alignas(64) double h[STRIP * LANE], l[STRIP * LANE];

  void clear(int64_t columns) {
    for (int lane = 0; lane < STRIP; lane++) {
      std::memset(h + lane * LANE, 0, sizeof(double) * padded((int)columns));
      std::memset(l + lane * LANE, 0, sizeof(double) * padded((int)columns));
    }
  }

  // Adds columns begin to stop of some rows; their number is a multiple of eight, but for the last rows.
  void add(const Part& x, int rows, int64_t begin, int64_t stop, const double* w, const double* w_low, Ahead& ahead) {
    for (int some = 0; some < rows; some += 4 * STRIP)  // as many rows are read side by side
      for (int64_t j = begin; j < stop; j += W) {
        int count = std::min(4 * STRIP, rows - some), whole = count / STRIP * STRIP;
        double *hj = h + (j - begin), *lj = l + (j - begin);
        if (j + W <= stop)
          add_to_lanes(x, some, whole, j, W, w, w_low, hj, lj, ahead);
        else
          add_to_lanes(x, some, whole, j, (int)(stop - j), w, w_low, hj, lj, ahead);
        int m = (int)std::min<int64_t>(W, stop - j);
        if (whole < count) add_last_to_lanes(x, some + whole, count - whole, j, m, w, w_low, hj, lj);
      }
  }

  // Adds the lanes, one after another, to g + g_low.
  void add_up(int64_t columns, double* g, double* g_low) const {
    for (int64_t j = 0; j < columns; j += W) {
      int m = (int)std::min<int64_t>(W, columns - j);
      vec sum = load_some(g + j, m), error = load_some(g_low + j, m);
      for (int lane = 0; lane < STRIP; lane++) {
        vec s, e;
        two_sum(sum, load(h + lane * LANE + j), s, e);
        error = error + (e + load(l + lane * LANE + j));
        sum = s;
      }
      store_some(g + j, sum, m), store_some(g_low + j, error, m);
    }
  }
};

// Adds X'w of at most SHORT_ROWS rows to g + g_low.
inline void products_by_rows(const Part& x, int rows, const double* w, const double* w_low, double* g, double* g_low,
                             Ahead& ahead) {
  Lanes lanes;
  for (int64_t begin = 0; begin < x.columns; begin += TILE_COLUMNS) {
    int64_t stop = std::min<int64_t>(begin + TILE_COLUMNS, x.columns);
    lanes.clear(stop - begin);
    lanes.add(x, rows, begin, stop, w, w_low, ahead);
    lanes.add_up(stop - begin, g + begin, g_low + begin);
  }
}

}  // namespace
