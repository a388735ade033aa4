// Sums of products of columns whose bits do not depend on the processor.
//
// Compiled once for each instruction set. The order of every sum is written here, not chosen by the width of a vector:
// a product sum runs over the rows of a block in their order, one fused multiply-add a row, and sums of blocks are
// added with their rounding errors. The compiler may not contract or reorder anything (-ffp-contract=off, no
// -ffast-math). The interface is plain C, so that one library serves every version of Python.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "vectors.h"

namespace {

constexpr int STRIP = 8;         // columns that are stored together
constexpr int BLOCK_ROWS = 128;  // rows of one chain of fused multiply-adds
constexpr int SHORT_ROWS = 256;  // rows whose twofold sums have eight lanes

// Some columns of a block: element (i, j) is data[i * down + j * along].
struct Part {
  const double* data;
  int64_t columns, down, along;
};

const double ZEROS[BLOCK_ROWS] = {};

// Copies m columns of some rows into a strip (rows, STRIP), from a lane on. Lanes behind them may become zero.
void copy_to_strip(const Part& part, int64_t first, int rows, int64_t column, int lane, int m, double* strip) {
  const double* from = part.data + first * part.down + column * part.along;
  double* out = strip + lane;
  int done = 0;
  if (part.down == 1 && lane == 0)
    for (; done + 4 <= rows; done += 4)
      for (int half = 0; half < m; half += 4) {
        const double* columns[4];
        for (int c = 0; c < 4; c++) columns[c] = (half + c < m ? from + (half + c) * part.along : ZEROS) + done;
        transpose_4x4(columns, out + done * STRIP + half, STRIP);
      }
  else if (part.along == 1 && m == STRIP)
    for (; done < rows; done++) std::memcpy(out + done * STRIP, from + done * part.down, sizeof(double) * STRIP);
  for (; done < rows; done++)
    for (int c = 0; c < m; c++) out[done * STRIP + c] = from[done * part.down + c * part.along];
}

// Copies some rows of all parts, side by side, into strips (strips, BLOCK_ROWS, STRIP).
void pack(const Part* parts, int64_t count, int64_t first, int rows, double* strips) {
  int64_t place = 0;
  for (int64_t p = 0; p < count; p++)
    for (int64_t column = 0; column < parts[p].columns;) {
      int lane = place % STRIP, m = (int)std::min<int64_t>(STRIP - lane, parts[p].columns - column);
      copy_to_strip(parts[p], first, rows, column, lane, m, strips + place / STRIP * BLOCK_ROWS * STRIP);
      place += m;
      column += m;
    }
}

// Where the lanes of a column and those after it begin in the strips.
inline const double* lanes_of(const double* strips, int64_t column) {
  return strips + column / STRIP * BLOCK_ROWS * STRIP + column % STRIP;
}

// Memory that is read next, and by how many bytes a step of a tile goes on in it: reading and multiplying overlap.
struct Ahead {
  const char* at;
  int64_t step;
};

// Products of TILE_ROWS columns with V vectors of columns over the rows of a block, added to hi + lo : (.., width).
template <int V>
void tile(const double* strips, int rows, int64_t row, int64_t column, int64_t width, double* hi, double* lo,
          Ahead& ahead) {
  vec sums[TILE_ROWS][V];
  const double *left = lanes_of(strips, row), *right[V];
  for (int v = 0; v < V; v++) right[v] = lanes_of(strips, column + v * W);
  for (int i = 0; i < TILE_ROWS; i++)
    for (int v = 0; v < V; v++) sums[i][v] = repeat(0.0);
  const char* next = ahead.at;
  for (int k = 0; k < rows * STRIP; k += STRIP) {
    __builtin_prefetch(next);
    next += ahead.step;
    vec b[V];
    for (int v = 0; v < V; v++) b[v] = load(right[v] + k);
#pragma GCC unroll 8
    for (int i = 0; i < TILE_ROWS; i++) {
      vec a = repeat(left[k + i]);
#pragma GCC unroll 4
      for (int v = 0; v < V; v++) sums[i][v] = fused(a, b[v], sums[i][v]);
    }
  }
  ahead.at = next;
  for (int i = 0; i < TILE_ROWS; i++)
    for (int v = 0; v < V; v++) {
      int64_t at = (row + i) * width + column + v * W;
      vec s, e;
      two_sum(load(hi + at), sums[i][v], s, e);
      store(hi + at, s);
      store(lo + at, load(lo + at) + e);
    }
}

// A tile of as many vectors as are asked for, at most V.
template <int V>
void tile_of(int vectors, const double* strips, int rows, int64_t row, int64_t column, int64_t width, double* hi,
             double* lo, Ahead& ahead) {
  if constexpr (V > 1)
    if (vectors < V) return tile_of<V - 1>(vectors, strips, rows, row, column, width, hi, lo, ahead);
  tile<V>(strips, rows, row, column, width, hi, lo, ahead);
}

// The products of a block that stand on or above the diagonal, tile by tile.
void add_block(const double* strips, int rows, int64_t width, double* hi, double* lo, Ahead ahead) {
  for (int64_t column = 0; column < width; column += TILE_VECTORS * W) {
    int64_t stop = std::min<int64_t>(column + TILE_VECTORS * W, width);
    for (int64_t row = 0; row < stop; row += TILE_ROWS) {
      int64_t from = std::max(column, row / W * W);  // vectors that end left of the diagonal are not needed
      tile_of<TILE_VECTORS>((int)(stop - from) / W, strips, rows, row, from, width, hi, lo, ahead);
    }
  }
}

// The rows after a block, of the widest part that is stored by rows: fetched while the block is multiplied.
Ahead ahead_of(const Part* parts, int64_t count, int64_t first, int64_t width) {
  const Part* widest = parts;
  for (int64_t p = 1; p < count; p++)
    if (parts[p].columns > widest->columns) widest = parts + p;
  if (widest->along != 1 || widest->down < 0) return {reinterpret_cast<const char*>(parts->data), 0};
  int64_t bytes = BLOCK_ROWS * widest->down * (int64_t)sizeof(double);
  int64_t tiles = width * (width + TILE_VECTORS * W) / (2 * TILE_ROWS * TILE_VECTORS * W);  // about so many a block
  int64_t steps = BLOCK_ROWS * std::max<int64_t>(tiles, 1);
  return {reinterpret_cast<const char*>(widest->data + (first + BLOCK_ROWS) * widest->down), bytes / steps + 1};
}

int64_t columns_of(const Part* parts, int64_t count) {
  int64_t columns = 0;
  for (int64_t p = 0; p < count; p++) columns += parts[p].columns;
  return columns;
}

// Pointers to m <= STRIP columns of some rows, each contiguous and padded with zeros to a multiple of STRIP rows.
void contiguous(const Part& part, int64_t first, int rows, int64_t column, int m, double* copies, const double** out) {
  const double* from = part.data + first * part.down + column * part.along;
  bool in_place = part.down == 1 && rows % STRIP == 0;
  for (int c = 0; c < m; c++) out[c] = in_place ? from + c * part.along : copies + c * SHORT_ROWS;
  if (in_place) return;
  int done = 0;
  if (m == STRIP && part.along == 1) {
    for (; done + 4 <= rows; done += 4)
      for (int half = 0; half < STRIP; half += 4) {
        const double* four[4];
        for (int r = 0; r < 4; r++) four[r] = from + (done + r) * part.down + half;
        transpose_4x4(four, copies + half * SHORT_ROWS + done, SHORT_ROWS);
      }
  }
  int padded = (rows + STRIP - 1) / STRIP * STRIP;
  for (int c = 0; c < m; c++) {
    for (int r = done; r < rows; r++) copies[c * SHORT_ROWS + r] = from[r * part.down + c * part.along];
    for (int r = rows; r < padded; r++) copies[c * SHORT_ROWS + r] = 0.0;
  }
}

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

}  // namespace

extern "C" {

// Changes whenever a function below does: a library of another version is not used.
int64_t gramian_interface() { return 1; }

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

// Doubles of memory that gramian_products needs.
int64_t gramian_products_memory(int64_t columns) {
  int64_t width = (columns + STRIP - 1) / STRIP * STRIP;
  return 2 * width * width + BLOCK_ROWS * width + STRIP;
}

// Products (p, p) of the columns of all parts side by side, symmetric to the last bit.
void gramian_products(const Part* parts, int64_t count, int64_t rows, double* out, double* memory) {
  int64_t columns = columns_of(parts, count), width = (columns + STRIP - 1) / STRIP * STRIP;
  while (reinterpret_cast<uintptr_t>(memory) % (STRIP * sizeof(double))) memory++;  // a strip's row is a cache line
  double *strips = memory, *hi = strips + BLOCK_ROWS * width, *lo = hi + width * width;
  std::memset(strips, 0, sizeof(double) * (BLOCK_ROWS * width + 2 * width * width));
  for (int64_t first = 0; first < rows; first += BLOCK_ROWS) {
    int here = (int)std::min<int64_t>(BLOCK_ROWS, rows - first);
    pack(parts, count, first, here, strips);
    add_block(strips, here, width, hi, lo, ahead_of(parts, count, first, width));
  }
  for (int64_t i = 0; i < columns; i++)
    for (int64_t j = i; j < columns; j++)
      out[i * columns + j] = out[j * columns + i] = hi[i * width + j] + lo[i * width + j];
}

// r + r_low = X v, (n,), in twice the precision, the columns of X in their order.
// x : X; x_low : what X does not hold of its values, or no data.
void gramian_twofold_times(const Part* x, const Part* x_low, int64_t rows, const double* v, const double* v_low,
                           double* r, double* r_low) {
  double copies[STRIP * SHORT_ROWS], low_copies[STRIP * SHORT_ROWS], h[SHORT_ROWS], l[SHORT_ROWS];
  const double *column[STRIP], *low_column[STRIP];
  for (int64_t first = 0; first < rows; first += SHORT_ROWS) {
    int here = (int)std::min<int64_t>(SHORT_ROWS, rows - first), padded = (here + STRIP - 1) / STRIP * STRIP;
    std::memset(h, 0, sizeof h);
    std::memset(l, 0, sizeof l);
    for (int64_t j = 0; j < x->columns; j += STRIP) {
      int m = (int)std::min<int64_t>(STRIP, x->columns - j);
      contiguous(*x, first, here, j, m, copies, column);
      if (x_low->data) contiguous(*x_low, first, here, j, m, low_copies, low_column);
      for (int k = 0; k < padded; k += W) {
        vec sum = load(h + k), error = load(l + k);
        for (int c = 0; c < m; c++)
          add_product(load(column[c] + k), x_low->data ? low_column[c] + k : nullptr, repeat(v[j + c]),
                      repeat(v_low[j + c]), sum, error);
        store(h + k, sum);
        store(l + k, error);
      }
    }
    std::memcpy(r + first, h, sizeof(double) * here);
    std::memcpy(r_low + first, l, sizeof(double) * here);
  }
}

// g + g_low = X'w, (k,), in twice the precision. Row i of a block of SHORT_ROWS is added to lane i modulo eight.
void gramian_twofold_products(const Part* x, const Part* x_low, int64_t rows, const double* w, const double* w_low,
                              double* g, double* g_low) {
  double copies[STRIP * SHORT_ROWS], low_copies[STRIP * SHORT_ROWS], right[SHORT_ROWS], right_low[SHORT_ROWS];
  const double *column[STRIP], *low_column[STRIP];
  std::memset(g, 0, sizeof(double) * x->columns);
  std::memset(g_low, 0, sizeof(double) * x->columns);
  for (int64_t first = 0; first < rows; first += SHORT_ROWS) {
    int here = (int)std::min<int64_t>(SHORT_ROWS, rows - first), padded = (here + STRIP - 1) / STRIP * STRIP;
    std::memset(right, 0, sizeof right);
    std::memset(right_low, 0, sizeof right_low);
    std::memcpy(right, w + first, sizeof(double) * here);
    std::memcpy(right_low, w_low + first, sizeof(double) * here);
    for (int64_t j = 0; j < x->columns; j += STRIP) {
      int m = (int)std::min<int64_t>(STRIP, x->columns - j);
      contiguous(*x, first, here, j, m, copies, column);
      if (x_low->data) contiguous(*x_low, first, here, j, m, low_copies, low_column);
      for (int c = 0; c < m; c++) {
        vec h[STRIP / W], l[STRIP / W];
        for (int q = 0; q < STRIP / W; q++) h[q] = l[q] = repeat(0.0);
        for (int k = 0; k < padded; k += STRIP)
          for (int q = 0; q < STRIP / W; q++) {
            int at = k + q * W;
            add_product(load(column[c] + at), x_low->data ? low_column[c] + at : nullptr, load(right + at),
                        load(right_low + at), h[q], l[q]);
          }
        double sums[STRIP], errors[STRIP];
        for (int q = 0; q < STRIP / W; q++) store(sums + q * W, h[q]), store(errors + q * W, l[q]);
        for (int lane = 0; lane < STRIP; lane++) add_value(sums[lane], errors[lane], g[j + c], g_low[j + c]);
      }
    }
  }
}

}  // extern "C"
