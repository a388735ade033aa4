// X v and X'w in twice the precision, and the sums of a residual in one trip over the rows.
#pragma once
#include "twofold.h"

namespace {

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
void times(const Twofold& x, int64_t rows, const double* v, const double* v_low, double* r, double* r_low) {
  double h[SHORT_ROWS], l[SHORT_ROWS];
  int64_t first = x.by_rows() ? times_by_rows(x.high, rows, v, v_low, r, r_low) : 0;
  for (; first < rows; first += SHORT_ROWS) {
    int here = (int)std::min<int64_t>(SHORT_ROWS, rows - first);
    times_of_block(x.from(first), here, v, v_low, h, l);
    std::memcpy(r + first, h, sizeof(double) * here);
    std::memcpy(r_low + first, l, sizeof(double) * here);
  }
}

// Adds X'w of at most SHORT_ROWS rows to g + g_low, (k,): row i to lane i modulo eight. w, w_low : padded with zeros.
void add_products_of_block(const Twofold& x, int rows, const double* w, const double* w_low, double* g, double* g_low) {
  if (x.by_rows()) return products_by_rows(x.high, rows, w, w_low, g, g_low);
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

// A residual r + r_low of at most SHORT_ROWS rows, padded with zeros: X v of all operands, one after another.
void residual_of_block(int64_t count, const Twofold* x, int rows, const double* v, const double* v_low, double* r,
                       double* r_low) {
  double h[SHORT_ROWS], l[SHORT_ROWS];
  std::memset(r, 0, sizeof h);
  std::memset(r_low, 0, sizeof l);
  for (int64_t o = 0; o < count; v += x[o].high.columns, v_low += x[o].high.columns, o++) {
    times(x[o], rows, v, v_low, h, l);
    for (int i = 0; i < rows; i++) {
      double error;
      sum_and_error(r[i], h[i], r[i], error);
      r_low[i] = (r_low[i] + error) + l[i];
    }
  }
  for (int i = 0; i < rows; i++) quick_sum_and_error(r[i], r_low[i], r[i], r_low[i]);
}

// A product of two numbers in twice the precision.
inline void twofold_product(double a, double a_low, double b, double b_low, double& p, double& e) {
  double rounded = a * b, error = std::fma(a, b, -rounded);
  quick_sum_and_error(rounded, error + (a * b_low + a_low * b), p, e);
}

}  // namespace

extern "C" {

// r + r_low = X v, (n,), in twice the precision, the columns of X in their order.
// x : X; x_low : what X does not hold of its values, or null.
void gramian_twofold_times(const Part* x, const Part* x_low, int64_t rows, const double* v, const double* v_low,
                           double* r, double* r_low) {
  times(Twofold(x, x_low), rows, v, v_low, r, r_low);
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
    add_products_of_block(X.from(first), here, right, right_low, g, g_low);
  }
}

// Of the residual r = X v of some rows, X the columns of `count` <= 2 operands side by side: X'Wr and, behind it, r'Wr
// as g + g_low, (k + 1,). A block of rows is read for r, and again from the cache for the products.
// x_low : as many, of which those without data are zero; weight, weight_low : of the rows, or null.
void gramian_residual_sums(int64_t count, const Part* x, const Part* x_low, int64_t rows, const double* v,
                           const double* v_low, const double* weight, const double* weight_low, double* g,
                           double* g_low) {
  double r[SHORT_ROWS], r_low[SHORT_ROWS], wr[SHORT_ROWS], wr_low[SHORT_ROWS];
  double zero = 0.0, one = 1.0;
  int64_t columns = columns_of(x, count), size = sizeof(double);
  std::memset(g, 0, sizeof(double) * (columns + 1));
  std::memset(g_low, 0, sizeof(double) * (columns + 1));
  Part square = {reinterpret_cast<const char*>(wr), 1, size, size, FLOAT64, &zero, &one}, square_low = square;
  square_low.data = reinterpret_cast<const char*>(wr_low);
  for (int64_t first = 0; first < rows; first += SHORT_ROWS) {
    int here = (int)std::min<int64_t>(SHORT_ROWS, rows - first);
    Twofold X[2] = {Twofold(x, x_low->data ? x_low : nullptr).from(first),
                    Twofold(x + count - 1, x_low[count - 1].data ? x_low + count - 1 : nullptr).from(first)};
    residual_of_block(count, X, here, v, v_low, r, r_low);
    std::memcpy(wr, r, sizeof r);
    std::memcpy(wr_low, r_low, sizeof r);
    for (int i = 0; weight && i < here; i++)
      twofold_product(r[i], r_low[i], weight[first + i], weight_low[first + i], wr[i], wr_low[i]);
    int64_t at = 0;
    for (int64_t o = 0; o < count; at += x[o].columns, o++)
      add_products_of_block(X[o], here, wr, wr_low, g + at, g_low + at);
    add_products_of_block(Twofold(&square, &square_low), here, r, r_low, g + at, g_low + at);
  }
}

}  // extern "C"
