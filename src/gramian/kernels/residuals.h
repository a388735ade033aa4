// X v and X'w in twice the precision, and the sums of a residual in one trip over the rows.
#pragma once
#include "twofold.h"

namespace {

constexpr int CACHED_VALUES = 32768;  // a quarter of the second cache of a core

// Rows of some columns and of what they do not hold of their values, which may be null.
struct Twofold {
  Part high, low;
  bool has_low;
  Twofold(const Part* x, const Part* x_low) : high(*x), low(x_low ? *x_low : *x), has_low(x_low) {}
  Twofold from(int64_t row) const {
    Twofold out = *this;
    out.high.data += row * high.down;
    out.low.data += row * low.down;
    return out;
  }
  bool by_rows() const { return !has_low && is_plain_rows(high); }
};

// Pieces of at most STRIP columns of a block, and what they do not hold.
struct Piece {
  double copies[STRIP * SHORT_ROWS], low_copies[STRIP * SHORT_ROWS];
  const double *columns[STRIP], *low_columns[STRIP];
  void read(const Twofold& x, int rows, int64_t column, int m) {
    Rows those = {nullptr, 0, rows};
    read_columns(x.high, those, column, m, copies, columns);
    if (x.has_low) read_columns(x.low, those, column, m, low_copies, low_columns);
  }
  const double* low(const Twofold& x, int c, int row) const { return x.has_low ? low_columns[c] + row : nullptr; }
};

// h + l = X v of at most SHORT_ROWS rows, the columns in their order. h, l : (SHORT_ROWS,).
void times_of_block(const Twofold& x, int rows, const double* v, const double* v_low, double* h, double* l) {
  Piece piece;
  std::memset(h, 0, sizeof(double) * padded(rows));
  std::memset(l, 0, sizeof(double) * padded(rows));
  for (int64_t j = 0; j < x.high.columns; j += STRIP) {
    int m = (int)std::min<int64_t>(STRIP, x.high.columns - j);
    piece.read(x, rows, j, m);
    for (int k = 0; k < padded(rows); k += W) {
      vec sum = load(h + k), error = load(l + k);
      for (int c = 0; c < m; c++)
        add_product(load(piece.columns[c] + k), piece.low(x, c, k), repeat(v[j + c]), repeat(v_low[j + c]), sum, error);
      store(h + k, sum);
      store(l + k, error);
    }
  }
}

// The same of any number of rows; those that are stored by rows are read from left to right.
void times(const Twofold& x, int64_t rows, const double* v, const double* v_low, double* r, double* r_low,
           Ahead& ahead) {
  alignas(64) double h[SHORT_ROWS], l[SHORT_ROWS];
  int64_t first = x.by_rows() ? times_by_rows(x.high, rows, v, v_low, r, r_low, ahead) : 0;
  for (; first < rows; first += SHORT_ROWS) {
    int here = (int)std::min<int64_t>(SHORT_ROWS, rows - first);
    times_of_block(x.from(first), here, v, v_low, h, l);
    std::memcpy(r + first, h, sizeof(double) * here);
    std::memcpy(r_low + first, l, sizeof(double) * here);
  }
}

// Adds X'w of at most SHORT_ROWS rows to g + g_low, (k,): row i to lane i modulo eight. w, w_low : padded with zeros.
void add_products_of_block(const Twofold& x, int rows, const double* w, const double* w_low, double* g, double* g_low,
                           Ahead& ahead) {
  if (x.by_rows()) return products_by_rows(x.high, rows, w, w_low, g, g_low, ahead);
  Piece piece;
  for (int64_t j = 0; j < x.high.columns; j += STRIP) {
    int m = (int)std::min<int64_t>(STRIP, x.high.columns - j);
    piece.read(x, rows, j, m);
    for (int c = 0; c < m; c++) {
      vec h[STRIP / W], l[STRIP / W];
      for (int q = 0; q < STRIP / W; q++) h[q] = l[q] = repeat(0.0);
      for (int k = 0; k < padded(rows); k += STRIP)
        for (int q = 0; q < STRIP / W; q++) {
          int at = k + q * W;
          add_product(load(piece.columns[c] + at), piece.low(x, c, at), load(w + at), load(w_low + at), h[q], l[q]);
        }
      double sums[STRIP], errors[STRIP];
      for (int q = 0; q < STRIP / W; q++) store(sums + q * W, h[q]), store(errors + q * W, l[q]);
      for (int lane = 0; lane < STRIP; lane++) add_value(sums[lane], errors[lane], g[j + c], g_low[j + c]);
    }
  }
}

// s + e = a + b exactly, where |a| >= |b| (Dekker).
inline void quick_sum_and_error(double a, double b, double& s, double& e) {
  s = a + b;
  e = b - (s - a);
}

// s + e = the sum and its error, for any two numbers (Knuth).
inline void sum_and_error(double a, double b, double& s, double& e) {
  s = a + b;
  double t = s - a;
  e = (a - (s - t)) + (b - t);
}

// A residual r + r_low of at most SHORT_ROWS rows: X v of all operands, one after another.
void residual_of_block(int64_t count, const Twofold* x, int rows, const double* v, const double* v_low, double* r,
                       double* r_low, Ahead* ahead) {
  double h[SHORT_ROWS], l[SHORT_ROWS];
  std::memset(r, 0, sizeof(double) * rows);
  std::memset(r_low, 0, sizeof(double) * rows);
  for (int64_t o = 0; o < count; v += x[o].high.columns, v_low += x[o].high.columns, o++) {
    times(x[o], rows, v, v_low, h, l, ahead[o]);
    for (int i = 0; i < rows; i++) {
      double error;
      sum_and_error(r[i], h[i], r[i], error);
      r_low[i] = (r_low[i] + error) + l[i];
    }
  }
  for (int i = 0; i < rows; i++) quick_sum_and_error(r[i], r_low[i], r[i], r_low[i]);
}

// Rows of so many columns that are read for a residual, and again from the cache: those and the next ones stay there.
inline int rows_at_once(int64_t columns) {
  int rows = SHORT_ROWS;
  while (rows > 4 * STRIP && rows * columns > CACHED_VALUES) rows /= 2;
  return rows;
}

// A product of two numbers in twice the precision.
inline void twofold_product(double a, double a_low, double b, double b_low, double& p, double& e) {
  double rounded = a * b, error = std::fma(a, b, -rounded);
  quick_sum_and_error(rounded, error + (a * b_low + a_low * b), p, e);
}

// A residual r of at most SHORT_ROWS rows and its products with the columns of one or two operands.
struct ResidualBlock {
  double r[SHORT_ROWS], r_low[SHORT_ROWS], wr[SHORT_ROWS], wr_low[SHORT_ROWS];
  Lanes lanes[2];
  bool in_lanes[2];  // operands that are read twice while their rows are in the cache

  void clear(int64_t count, const Twofold* x) {
    for (int o = 0; o < count; o++) {
      in_lanes[o] = x[o].by_rows() && x[o].high.columns <= TILE_COLUMNS;
      if (in_lanes[o]) lanes[o].clear(x[o].high.columns);
    }
    for (double* values : {r, r_low, wr, wr_low}) std::memset(values, 0, sizeof r);
  }

  // Reads some rows, those from number `from` on of the block. weight, weight_low : of these rows, or null.
  void add(int64_t count, const Twofold* x, int from, int rows, const double* v, const double* v_low,
           const double* weight, const double* weight_low) {
    Ahead ahead[2] = {rows_ahead(x[0].high, rows, 2), rows_ahead(x[1].high, rows, 2)};
    residual_of_block(count, x, rows, v, v_low, r + from, r_low + from, ahead);
    std::memcpy(wr + from, r + from, sizeof(double) * rows);
    std::memcpy(wr_low + from, r_low + from, sizeof(double) * rows);
    for (int i = 0; weight && i < rows; i++)
      twofold_product(r[from + i], r_low[from + i], weight[i], weight_low[i], wr[from + i], wr_low[from + i]);
    for (int o = 0; o < count; o++)
      if (in_lanes[o]) lanes[o].add(x[o].high, rows, 0, x[o].high.columns, wr + from, wr_low + from, ahead[o]);
  }

  // Adds X'Wr and, behind it, r'Wr of all rows of the block to g + g_low.
  void add_up(int64_t count, const Twofold* x, int rows, double* g, double* g_low) {
    Ahead nothing = {reinterpret_cast<const char*>(r), 0};
    for (int64_t o = 0; o < count; g += x[o].high.columns, g_low += x[o].high.columns, o++)
      if (in_lanes[o])
        lanes[o].add_up(x[o].high.columns, g, g_low);
      else
        add_products_of_block(x[o], rows, wr, wr_low, g, g_low, nothing);
    double zero = 0.0, one = 1.0;
    int64_t size = sizeof(double);
    Part square = {reinterpret_cast<const char*>(wr), 1, size, size, FLOAT64, &zero, &one}, square_low = square;
    square_low.data = reinterpret_cast<const char*>(wr_low);
    add_products_of_block(Twofold(&square, &square_low), rows, r, r_low, g, g_low, nothing);
  }
};

}  // namespace

extern "C" {

// r + r_low = X v, (n,), in twice the precision, the columns of X in their order.
// x : X; x_low : what X does not hold of its values, or null.
void gramian_twofold_times(const Part* x, const Part* x_low, int64_t rows, const double* v, const double* v_low,
                           double* r, double* r_low) {
  Ahead ahead = rows_ahead(*x, W * GROUPS, 1);
  times(Twofold(x, x_low), rows, v, v_low, r, r_low, ahead);
}

// g + g_low = X'w, (k,), in twice the precision, in blocks of SHORT_ROWS rows.
void gramian_twofold_products(const Part* x, const Part* x_low, int64_t rows, const double* w, const double* w_low,
                              double* g, double* g_low) {
  double right[SHORT_ROWS], right_low[SHORT_ROWS];
  Twofold X(x, x_low);
  std::memset(g, 0, sizeof(double) * x->columns);
  std::memset(g_low, 0, sizeof(double) * x->columns);
  for (int64_t first = 0; first < rows; first += SHORT_ROWS) {
    int here = (int)std::min<int64_t>(SHORT_ROWS, rows - first);
    std::memset(right, 0, sizeof right);
    std::memset(right_low, 0, sizeof right_low);
    std::memcpy(right, w + first, sizeof(double) * here);
    std::memcpy(right_low, w_low + first, sizeof(double) * here);
    Twofold block = X.from(first);
    Ahead ahead = rows_ahead(block.high, SHORT_ROWS, 1);
    add_products_of_block(block, here, right, right_low, g, g_low, ahead);
  }
}

// Of the residual r = X v of some rows, X the columns of `count` <= 2 operands side by side: X'Wr and, behind it, r'Wr
// as g + g_low, (k + 1,). Some rows are read for r, and again from the cache for the products.
// x_low : as many, of which those without data are zero; weight, weight_low : of the rows, or null.
void gramian_residual_sums(int64_t count, const Part* x, const Part* x_low, int64_t rows, const double* v,
                           const double* v_low, const double* weight, const double* weight_low, double* g,
                           double* g_low) {
  int64_t columns = columns_of(x, count);
  std::memset(g, 0, sizeof(double) * (columns + 1));
  std::memset(g_low, 0, sizeof(double) * (columns + 1));
  Twofold X[2] = {Twofold(x, x_low->data ? x_low : nullptr),
                  Twofold(x + count - 1, x_low[count - 1].data ? x_low + count - 1 : nullptr)};
  ResidualBlock block;
  int step = rows_at_once(columns);
  for (int64_t first = 0; first < rows; first += SHORT_ROWS) {
    int64_t stop = std::min<int64_t>(first + SHORT_ROWS, rows);
    Twofold here[2] = {X[0].from(first), X[1].from(first)};
    block.clear(count, here);
    for (int64_t row = first; row < stop; row += step) {
      Twofold some[2] = {X[0].from(row), X[1].from(row)};
      block.add(count, some, (int)(row - first), (int)std::min<int64_t>(step, stop - row), v, v_low,
                weight ? weight + row : nullptr, weight ? weight_low + row : nullptr);
    }
    block.add_up(count, here, (int)(stop - first), g, g_low);
  }
}

}  // extern "C"
