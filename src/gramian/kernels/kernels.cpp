// Sums of products of columns whose bits do not depend on the processor.
//
// Compiled once for each instruction set. The order of every sum is written here, not chosen by the width of a vector:
// a product sum runs over the rows of a block in their order, one fused multiply-add a row, and sums of blocks are
// added with their rounding errors. The compiler may not contract or reorder anything (-ffp-contract=off, no
// -ffast-math). The interface is plain C, so that one library serves every version of Python.
#include "cells.h"
#include "dense_cells.h"
#include "digits.h"
#include "graphs.h"
#include "parts.h"
#include "residuals.h"
#include "working_rows.h"

namespace {

constexpr int LEFT_AHEAD = 16 * STRIP;  // how far ahead the columns on the left of a tile are fetched

// Products of R columns with V vectors of columns over the rows of a block, added to hi + lo : (.., width). Of a
// triangle, whose vectors hold the R columns themselves, vectors that end left of the diagonal are left out.
template <int V, int R, bool TRIANGLE>
void tile(const double* strips, int rows, int64_t row, int64_t column, int64_t width, double* hi, double* lo,
          Ahead& ahead) {
  vec sums[R][V];
  const double *left[(R + W - 1) / W], *right[V];
  for (int i = 0; i < R; i += W) left[i / W] = lanes_of(strips, row + i);
  for (int v = 0; v < V; v++) right[v] = lanes_of(strips, column + v * W);
  for (int i = 0; i < R; i++)
    for (int v = 0; v < V; v++) sums[i][v] = repeat(0.0);
  Ahead next = ahead;
  for (int k = 0; k < rows * STRIP; k += STRIP) {
    next.fetch(Ahead::TILE_STEP);
    if (!TRIANGLE) __builtin_prefetch(left[0] + k + LEFT_AHEAD);  // those on the right are in the first cache already
    vec b[V];
    for (int v = 0; v < V; v++) b[v] = load(right[v] + k);
#pragma GCC unroll 16
    for (int i = 0; i < R; i++) {
      // as many reads as multiply-adds would be too many: every second column of the last vector is taken from it
      bool is_read = !(REPEATS_LANES && TRIANGLE && V > 1 && i / W == V - 1 && i % 2);
      vec a = is_read ? repeat(left[i / W][k + i % W]) : repeat_lane(b[V - 1], i % W);
#pragma GCC unroll 4
      for (int v = TRIANGLE ? i / W : 0; v < V; v++) sums[i][v] = fused(a, b[v], sums[i][v]);
    }
  }
  ahead = next;
#pragma GCC unroll 16
  for (int i = 0; i < R; i++)
#pragma GCC unroll 4
    for (int v = TRIANGLE ? i / W : 0; v < V; v++) {
      int64_t at = (row + i) * width + column + v * W;
      vec s, e;
      two_sum(load(hi + at), sums[i][v], s, e);
      store(hi + at, s);
      store(lo + at, load(lo + at) + e);
    }
}

// The products of V vectors of columns from a column on with all columns before them, and with themselves.
template <int V>
void add_panel(const double* strips, int rows, int64_t columns, int64_t column, int64_t width, double* hi, double* lo,
               Ahead& ahead) {
  constexpr int LAST = V < TRIANGLE_VECTORS ? V : TRIANGLE_VECTORS;  // vectors of the triangle at the end
  int64_t start = column + (V - LAST) * W;
  for (int64_t row = 0; row < start; row += TILE_ROWS)
    tile<V, TILE_ROWS, false>(strips, rows, row, column, width, hi, lo, ahead);
  if (column + V * W - columns >= W / 2 && W > 1)
    tile<LAST, LAST * W - W / 2, true>(strips, rows, start, start, width, hi, lo, ahead);
  else
    tile<LAST, LAST * W, true>(strips, rows, start, start, width, hi, lo, ahead);
}

// Vectors of the panel that begins at a column: as many as a tile has, but for the first panel, above which nothing is.
inline int panel_vectors(int64_t column, int64_t columns) {
  int first = (int)((columns + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS / W % TILE_VECTORS);
  return column == 0 && first ? first : TILE_VECTORS;
}

// The products of a block that stand on or above the diagonal, panel by panel.
void add_block(const double* strips, int rows, int64_t columns, int64_t width, double* hi, double* lo, Ahead& ahead) {
  for (int64_t column = 0, vectors; column < columns; column += vectors * W) {
    vectors = panel_vectors(column, columns);
    auto add = vectors == TILE_VECTORS ? add_panel<TILE_VECTORS> : vectors == 2 ? add_panel<2> : add_panel<1>;
    add(strips, rows, columns, column, width, hi, lo, ahead);
  }
}

// Tiles of a block.
int64_t tiles_of(int64_t columns) {
  int64_t tiles = 0;
  for (int64_t column = 0, vectors; column < columns; column += vectors * W) {
    vectors = panel_vectors(column, columns);
    tiles += (column + std::max<int64_t>(vectors - TRIANGLE_VECTORS, 0) * W) / TILE_ROWS + 1;
  }
  return tiles;
}

// Adds the products (columns, columns), symmetric to the last bit, to out, each rounded once.
void add_rounded(const double* hi, const double* lo, int64_t columns, int64_t width, double* out) {
  for (int64_t i = 0; i < columns; i++)
    for (int64_t j = i; j < columns; j++) {
      out[i * columns + j] += hi[i * width + j] + lo[i * width + j];
      out[j * columns + i] = out[i * columns + j];
    }
}

// The rows after a block, of the widest part that is stored by rows: fetched while the block is copied and multiplied.
Ahead ahead_of(const Part* parts, int64_t count, const Rows& rows, int64_t columns) {
  const Part* widest = parts;
  for (int64_t p = 1; p < count; p++)
    if (parts[p].columns > widest->columns) widest = parts + p;
  if (!is_by_rows(*widest) || widest->down < 0 || rows.numbers) return {widest->data, 0};
  int64_t steps = BLOCK_ROWS * (strips_width(widest->columns) / STRIP + Ahead::TILE_STEP * tiles_of(columns));
  return {widest->data + (rows.first + BLOCK_ROWS) * widest->down, BLOCK_ROWS * widest->down / steps + 1};
}

}  // namespace

extern "C" {

// Changes whenever a function below does: a library of another version is not used.
int64_t gramian_interface() { return 16; }

// The best instruction set of this processor for which a library is compiled: 4, 3 (x86-64-v4, v3), 1 (the portable
// build is quick, as on ARM) or 0 (a fused multiply-add would be done by software).
int64_t gramian_instructions() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  bool v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
            __builtin_cpu_supports("avx512cd");
  return v3 && v4 ? 4 : v3 ? 3 : 0;
#elif defined(__aarch64__)
  return 1;
#else
  return 0;
#endif
}

// Doubles of memory that the sums over some columns need.
int64_t gramian_memory(int64_t columns) {
  int64_t width = strips_width(columns);
  return 2 * width * width + (BLOCK_ROWS + 1) * width + STRIP;
}

// Products (p, p) of the columns of all parts side by side, symmetric to the last bit.
// numbers : of the rows, or null for the first ones; factors : by which each row is multiplied, or null.
void gramian_products(const Part* parts, int64_t count, int64_t rows, const int64_t* numbers, const double* factors,
                      double* out, double* memory) {
  int64_t columns = columns_of(parts, count), width = strips_width(columns);
  double *strips = aligned(memory), *hi = strips + BLOCK_ROWS * width, *lo = hi + width * width;
  std::memset(strips, 0, sizeof(double) * (BLOCK_ROWS * width + 2 * width * width));
  for (int64_t first = 0; first < rows; first += BLOCK_ROWS) {
    Rows here = {numbers, first, (int)std::min<int64_t>(BLOCK_ROWS, rows - first)};
    Ahead ahead = ahead_of(parts, count, here, columns);
    pack(parts, count, here, first && !factors, strips, ahead);
    if (factors) weight_rows(strips, width, here.count, factors + first);
    add_block(strips, here.count, columns, width, hi, lo, ahead);
  }
  std::memset(out, 0, sizeof(double) * columns * columns);
  add_rounded(hi, lo, columns, width, out);
}

// Adds the products of all parts, as `gramian_products` makes them, to out (p, p), and the columns to tables of cells:
// sums of `height` rows are rounded and added. Returns how many rows were added: the rest begins with sums that are not
// finite. counts : how often each row counts, or null.
int64_t gramian_products_and_cells(const Part* parts, int64_t count, int64_t rows, int64_t height,
                                   const int64_t* numbers, const double* factors, const double* counts,
                                   const DenseTable* tables, int64_t table_count, double* out, double* memory) {
  int64_t columns = columns_of(parts, count), width = strips_width(columns);
  double *strips = aligned(memory), *hi = strips + BLOCK_ROWS * width, *lo = hi + width * width;
  std::memset(strips, 0, sizeof(double) * BLOCK_ROWS * width);
  for (int64_t start = 0, stop; start < rows; start = stop) {
    stop = std::min(start + height, rows);
    std::memset(hi, 0, sizeof(double) * 2 * width * width);
    for (int64_t first = start; first < stop; first += BLOCK_ROWS) {
      Rows here = {numbers, first, (int)std::min<int64_t>(BLOCK_ROWS, stop - first)};
      Ahead ahead = ahead_of(parts, count, here, columns);
      pack(parts, count, here, first && !factors, strips, ahead);
      if (factors) weight_rows(strips, width, here.count, factors + first);
      add_block(strips, here.count, columns, width, hi, lo, ahead);
      if (factors) weight_rows(strips, width, here.count, factors + first);
      for (int64_t t = 0; t < table_count; t++)
        add_to_cells(tables[t], strips, first, here.count, rows, counts);
    }
    double squares = 0.0;
    for (int64_t i = 0; i < columns; i++) squares += hi[i * width + i] + lo[i * width + i];
    for (int64_t t = 0; t < table_count; t++) end_block(tables[t], std::isfinite(squares));
    if (!std::isfinite(squares)) return start;
    add_rounded(hi, lo, columns, width, out);
  }
  return rows;
}

// Adds the products of the weighted columns of all parts and of the working residual, (p + 1, p + 1), of a generalized
// linear model at the coefficients b, (p,), and returns its deviance: prediction, mean, weight and products in one trip over the rows.
// Sums of `height` rows are rounded and added. offset, prior : of the rows, or null. The deviance is NaN where a value
// is not finite. weights, residuals : where those of the rows are written, or null. Memory as for p + 1 columns.
double gramian_working_products(const Part* parts, int64_t count, int64_t rows, int64_t height, const Model* model,
                                const double* b, const double* y, const double* offset, const double* prior,
                                double* out, double* weights, double* residuals, double* memory) {
  int64_t columns = columns_of(parts, count), width = strips_width(columns + 1);
  double *strips = aligned(memory), *hi = strips + BLOCK_ROWS * width, *lo = hi + width * width;
  double* coefficients = lo + width * width;
  std::memset(strips, 0, sizeof(double) * (BLOCK_ROWS * width + 2 * width * width + width));
  std::memcpy(coefficients, b, sizeof(double) * columns);
  double* response = strips + columns / STRIP * BLOCK_ROWS * STRIP + columns % STRIP;
  double total = 0.0, deviance = 0.0, deviance_low = 0.0;
  for (int64_t first = 0; first < rows;) {
    int64_t stop = std::min(first / height * height + height, rows);
    Rows here = {nullptr, first, (int)std::min<int64_t>(BLOCK_ROWS, stop - first)};
    for (int i = 0; i < here.count; i++) response[i * STRIP] = 0.0;
    Ahead ahead = ahead_of(parts, count, here, columns + 1);
    pack(parts, count, here, false, strips, ahead);
    double outcomes[BLOCK_ROWS], eta[BLOCK_ROWS], priors[BLOCK_ROWS], root[BLOCK_ROWS], r[BLOCK_ROWS];
    predict(strips, coefficients, width, here.count, eta);
    for (int i = 0; i < padded(here.count); i++) {
      int row = std::min(i, here.count - 1);  // rows behind the last one are as it is, with the weight zero
      outcomes[i] = y[first + row];
      eta[i] = offset && i == row ? eta[row] + offset[first + row] : eta[row];
      priors[i] = i > row ? 0.0 : prior ? prior[first + row] : 1.0;
    }
    add_value(working_rows(*model, outcomes, eta, priors, padded(here.count), root, r), 0.0, deviance, deviance_low);
    for (int i = 0; i < here.count; i++) response[i * STRIP] = r[i];
    for (int i = 0; weights && i < here.count; i++) {
      weights[first + i] = root[i] * root[i];
      residuals[first + i] = r[i];
    }
    weight_rows(strips, width, here.count, root);
    add_block(strips, here.count, columns + 1, width, hi, lo, ahead);
    first += here.count;
    if (first < stop) continue;
    add_rounded(hi, lo, columns + 1, width, out);
    std::memset(hi, 0, sizeof(double) * 2 * width * width);
    total += deviance + deviance_low;
    deviance = deviance_low = 0.0;
  }
  return total;
}

// Digits of 2^22, the lowest first, of the columns of all parts: out (digits, columns, stride), of which the first rows
// of the last axis are written. factors : by which each column is multiplied, so that its highest digit has the unit 1;
// limits : of the highest digit of each; wrong : of each row, set where a value is larger or has lower digits.
void gramian_digits(const Part* parts, int64_t count, int64_t rows, const double* factors, const double* limits,
                    int64_t digits, double* out, int64_t stride, unsigned char* wrong) {
  double copies[STRIP * SHORT_ROWS];
  const double* columns[STRIP];
  int64_t all = columns_of(parts, count);
  for (int64_t first = 0; first < rows; first += SHORT_ROWS) {
    Rows here = {nullptr, first, (int)std::min<int64_t>(SHORT_ROWS, rows - first)};
    int64_t place = 0;
    for (int64_t p = 0; p < count; p++)
      for (int64_t column = 0, m; column < parts[p].columns; column += m, place += m) {
        m = std::min<int64_t>(STRIP, parts[p].columns - column);
        read_columns(parts[p], here, column, (int)m, copies, columns);
        for (int64_t c = 0; c < m; c++) {
          double* top = out + ((digits - 1) * all + place + c) * stride + first;
          digits_of_column(columns[c], here.count, factors[place + c], limits[place + c], digits, 0x1p22, top,
                           -all * stride, wrong + first);
        }
      }
  }
}

// Doubles of memory that exact sums over some digits need.
int64_t gramian_exact_memory(int64_t width) { return gramian_memory(width) + BLOCK_ROWS * width; }

// Products (width, width) of the digits of all parts over rows that fit; wrong : of each row, set where one does not.
// Digits of b bits with their sign have products below 2^(2 b - 2): those of a block have to be below 2^53, those of
// all rows below 2^63.
void gramian_exact_products(const Part* parts, int64_t count, int64_t rows, const DigitPlaces* places, int64_t* out,
                            unsigned char* wrong, double* memory) {
  int64_t columns = places->width, width = strips_width(columns);
  double *strips = aligned(memory), *hi = strips + BLOCK_ROWS * width, *lo = hi + width * width;
  double* digits = lo + width * width;
  std::memset(strips, 0, sizeof(double) * (BLOCK_ROWS * (width + columns) + 2 * width * width));
  Ahead ahead = {reinterpret_cast<const char*>(strips), 0};  // nothing is fetched
  for (int64_t first = 0; first < rows; first += BLOCK_ROWS) {
    Rows here = {nullptr, first, (int)std::min<int64_t>(BLOCK_ROWS, rows - first)};
    digits_of_rows(parts, count, here, *places, digits, wrong + first);
    digits_to_strips(digits, columns, here.count, strips);
    add_block(strips, here.count, columns, width, hi, lo, ahead);
  }
  for (int64_t i = 0; i < columns; i++)
    for (int64_t j = i; j < columns; j++)
      out[i * columns + j] = out[j * columns + i] = (int64_t)hi[i * width + j] + (int64_t)lo[i * width + j];
}

// Adds rows of k columns to the rows of a table (., k) that their codes name, and counts them, one after another.
// factors : by which the values of each row are multiplied, or null; counts : how often each row counts, or null.
void gramian_add_by_code(const Strided* columns, int64_t k, int64_t rows, const int64_t* codes, const double* factors,
                         const double* counts, double* sums, int64_t* sizes) {
  for (int64_t i = 0; i < rows; i++) {
    if (i + ROWS_AHEAD < rows) {
      const double* next = sums + codes[i + ROWS_AHEAD] * k;
      for (int64_t j = 0; j < k; j += STRIP) __builtin_prefetch(next + j, 1);
    }
    double* out = sums + codes[i] * k;
    sizes[codes[i]] += counts ? (int64_t)counts[i] : 1;
    for (int64_t j = 0; j < k; j++) {
      double x = *(const double*)(columns[j].data + i * columns[j].stride);
      out[j] += factors ? x * factors[i] : x;
    }
  }
}

// The sum of two tables of k sums over the cells of some factors, and how many cells it has. The result has the memory
// of both together: codes (f, n + m), rows (n + m,), sums (n + m, k).
int64_t gramian_add_cells(const Cells* tables, int64_t factors, int64_t k, int32_t* codes, int64_t* rows, double* sums) {
  const Cells &a = tables[0], &b = tables[1];
  int64_t size = a.count + b.count, out = 0;
  for (int64_t i = 0, j = 0; i < a.count || j < b.count; out++) {
    int order = j == b.count ? -1 : i == a.count ? 1 : order_of(a, i, b, j, factors);
    const Cells& from = order > 0 ? b : a;
    int64_t at = order > 0 ? j : i;
    for (int64_t f = 0; f < factors; f++) codes[f * size + out] = from.codes[f * from.count + at];
    rows[out] = from.rows[at];
    const double *x = from.sums + at * k, *y = b.sums + j * k;
    if (order < 0)
      for (int64_t c = 0; c < k; c++) sums[out * k + c] = x[c];
    else if (order > 0)
      for (int64_t c = 0; c < k; c++) sums[out * k + c] = 0.0 + x[c];  // a zero without its sign, as NumPy adds it
    else
      for (int64_t c = 0; c < k; c++) sums[out * k + c] = x[c] + y[c];
    if (order == 0) rows[out] += b.rows[j];
    i += order <= 0;
    j += order >= 0;
  }
  return out;
}

// Number of different keys among n sorted ones.
int64_t gramian_different_keys(const int64_t* keys, int64_t n) {
  int64_t count = n > 0;
  for (int64_t i = 1; i < n; i++) count += keys[i] != keys[i - 1];
  return count;
}

// How often each of n sorted keys occurs, of which `count` are different: codes (f, count), rows (count,) and the same
// as sums. A key is made of the codes of f factors, the first in its highest bits; maps : old code -> new code of each.
void gramian_cells_of_keys(const int64_t* keys, int64_t n, int64_t factors, const int64_t* bits,
                           const int64_t* const* maps, int64_t count, int32_t* codes, int64_t* rows, double* sums) {
  for (int64_t i = 0, out = 0; i < n; out++) {
    int64_t begin = i, key = keys[i];
    while (i < n && keys[i] == key) i++;
    rows[out] = i - begin;
    sums[out] = (double)(i - begin);
    for (int64_t f = factors - 1; f > 0; f--) {
      codes[f * count + out] = (int32_t)maps[f][key & ((1LL << bits[f]) - 1)];
      key >>= bits[f];
    }
    codes[out] = (int32_t)maps[0][key];
  }
}
// Gives memory that was freed back to the system.
void gramian_release() { release_freed(); }

// Number of connected components of `nodes` nodes that `edges` pairs join. parents : memory (nodes,).
int64_t gramian_components(const int64_t* first, const int64_t* second, int64_t edges, int64_t shift, int64_t nodes,
                           int64_t* parents) {
  for (int64_t i = 0; i < nodes; i++) parents[i] = i;
  int64_t count = nodes;
  for (int64_t e = 0; e < edges; e++) {
    int64_t a = root_of(parents, first[e]), b = root_of(parents, shift + second[e]);
    if (a == b) continue;
    parents[a > b ? a : b] = a > b ? b : a;
    count--;
  }
  return count;
}

// Rows of Y = A X, or of Y - A X, (n, k), for a sparse A: each row adds its entries in their order.
void gramian_sparse_times(const SparseRows* A, const double* X, int64_t k, double* Y) { times_of<1>(*A, X, k, Y); }

// One step of conjugate gradient for k systems: X += rate p; r -= rate q; rho = sum(r r / diagonal), row by row.
// inverse : (n,), of the diagonal.
void gramian_cg_move(int64_t rows, int64_t k, const double* rate, const double* p, const double* q,
                     const double* inverse, double* X, double* r, double* rho) {
  for (int64_t c = 0; c < k; c++) rho[c] = 0.0;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t c = 0; c < k; c++) {
      int64_t at = i * k + c;
      X[at] += rate[c] * p[at];
      r[at] -= rate[c] * q[at];
      rho[c] += r[at] * (inverse[i] * r[at]);
    }
}

// The next directions p = r / diagonal + ratio p.
void gramian_cg_turn(int64_t rows, int64_t k, const double* ratio, const double* inverse, const double* r, double* p) {
  for (int64_t i = 0; i < rows; i++)
    for (int64_t c = 0; c < k; c++) p[i * k + c] = inverse[i] * r[i * k + c] + ratio[c] * p[i * k + c];
}

// Products p'q of k columns, row by row.
void gramian_column_products(int64_t rows, int64_t k, const double* p, const double* q, double* out) {
  for (int64_t c = 0; c < k; c++) out[c] = 0.0;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t c = 0; c < k; c++) out[c] += p[i * k + c] * q[i * k + c];
}

}  // extern "C"
