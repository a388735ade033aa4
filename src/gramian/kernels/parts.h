// Columns of any memory order and number type, read in place into pieces that stay in the processor's cache.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "vectors.h"

namespace {

constexpr int STRIP = 8;         // columns that are stored together
constexpr int BLOCK_ROWS = 128;  // rows of one chain of fused multiply-adds
constexpr int SHORT_ROWS = 256;  // rows whose twofold sums have eight lanes

// Some columns side by side: element (i, j) stands at data + i * down + j * along, in bytes, and has the value
// (element - shift[j]) * scale[j]. Each of the two operations rounds.
struct Part {
  const char* data;
  int64_t columns, down, along, kind;
  const double *shift, *scale;
};

// Number types of elements, as in sums.py.
enum Kind { FLOAT64, FLOAT32, INT64, INT32, INT16, INT8, UINT64, UINT32, UINT16, UINT8 };

// Some rows of a block: from a number on, or those whose numbers stand in a list.
struct Rows {
  const int64_t* numbers;  // of all rows, or null
  int64_t first;
  int count;
  int64_t number(int i) const { return numbers ? numbers[first + i] : first + i; }
};

// Memory that is read next: reading, copying and multiplying overlap. A step of a copy goes on by some bytes, a step of
// a tile, which takes longer, by more of them. It is fetched into the second cache: the first one holds a tile.
struct Ahead {
  static constexpr int TILE_STEP = 4;
  const char* at;
  int64_t bytes;
  void fetch(int steps) {
    __builtin_prefetch(at, 0, 2);
    at += steps * bytes;
  }
};

inline int padded(int rows) { return (rows + STRIP - 1) / STRIP * STRIP; }

// Whether the columns of a row stand beside each other, but not those of a single contiguous column.
inline bool is_by_rows(const Part& part) {
  int64_t size = part.kind == FLOAT64 ? sizeof(double) : part.kind == FLOAT32 ? sizeof(float) : 0;
  return size && part.along == size && part.down != size;
}

template <class T>
void values_of_column(const Part& part, const Rows& rows, int64_t column, double* __restrict out) {
  const char* from = part.data + column * part.along;
  double shift = part.shift[column], scale = part.scale[column];
  int n = rows.count;
  if (rows.numbers) {
    const int64_t* numbers = rows.numbers + rows.first;
    if (part.down == sizeof(T)) {
      const T* x = reinterpret_cast<const T*>(from);
      for (int i = 0; i < n; i++) out[i] = ((double)x[numbers[i]] - shift) * scale;
    } else {
      for (int i = 0; i < n; i++) out[i] = ((double)*(const T*)(from + numbers[i] * part.down) - shift) * scale;
    }
    return;
  }
  from += rows.first * part.down;
  if (part.down == sizeof(T)) {
    const T* __restrict x = reinterpret_cast<const T*>(from);
    for (int i = 0; i < n; i++) out[i] = ((double)x[i] - shift) * scale;
  } else {
    for (int i = 0; i < n; i++) out[i] = ((double)*(const T*)(from + i * part.down) - shift) * scale;
  }
}

// The values of one column, contiguous and padded with zeros to a multiple of STRIP rows.
void read_column(const Part& part, const Rows& rows, int64_t column, double* out) {
  switch (part.kind) {
    case FLOAT64: values_of_column<double>(part, rows, column, out); break;
    case FLOAT32: values_of_column<float>(part, rows, column, out); break;
    case INT64: values_of_column<int64_t>(part, rows, column, out); break;
    case INT32: values_of_column<int32_t>(part, rows, column, out); break;
    case INT16: values_of_column<int16_t>(part, rows, column, out); break;
    case INT8: values_of_column<int8_t>(part, rows, column, out); break;
    case UINT64: values_of_column<uint64_t>(part, rows, column, out); break;
    case UINT32: values_of_column<uint32_t>(part, rows, column, out); break;
    case UINT16: values_of_column<uint16_t>(part, rows, column, out); break;
    default: values_of_column<uint8_t>(part, rows, column, out);
  }
  for (int i = rows.count; i < padded(rows.count); i++) out[i] = 0.0;
}

// Pointers to m <= STRIP columns of some rows, each contiguous and padded with zeros to a multiple of STRIP rows.
void read_columns(const Part& part, const Rows& rows, int64_t column, int m, double* copies, const double** out) {
  bool plain = part.kind == FLOAT64 && !rows.numbers;
  for (int c = 0; c < m; c++) plain = plain && part.shift[column + c] == 0.0 && part.scale[column + c] == 1.0;
  bool in_place = plain && part.down == sizeof(double) && rows.count % STRIP == 0;
  const char* from = part.data + rows.first * part.down + column * part.along;
  for (int c = 0; c < m; c++)
    out[c] = in_place ? reinterpret_cast<const double*>(from + c * part.along) : copies + c * SHORT_ROWS;
  if (in_place) return;
  if (!plain || m < STRIP || part.along != sizeof(double)) {
    for (int c = 0; c < m; c++) read_column(part, rows, column + c, copies + c * SHORT_ROWS);
    return;
  }
  int done = 0;
  for (; done + 4 <= rows.count; done += 4)
    for (int half = 0; half < STRIP; half += 4) {
      const double* four[4];
      for (int r = 0; r < 4; r++) four[r] = reinterpret_cast<const double*>(from + (done + r) * part.down) + half;
      transpose_4x4(four, copies + half * SHORT_ROWS + done, SHORT_ROWS);
    }
  for (int c = 0; c < m; c++)
    for (int r = done; r < padded(rows.count); r++)
      copies[c * SHORT_ROWS + r] =
          r < rows.count ? *reinterpret_cast<const double*>(from + r * part.down + c * part.along) : 0.0;
}

// Shifts and scales of M columns, read once for all rows.
template <int M>
struct Coordinates {
  double shift[M], scale[M];
  Coordinates(const Part& part, int64_t column) {
    for (int c = 0; c < M; c++) shift[c] = part.shift[column + c], scale[c] = part.scale[column + c];
  }
};

// M values of a row, and those of a whole strip by vectors.
template <class T, int M>
inline void copy_row(const T* __restrict x, const Coordinates<M>& by, double* __restrict out) {
  if constexpr (M == STRIP && sizeof(T) == sizeof(double)) {
    for (int v = 0; v < STRIP; v += W) store(out + v, (load(x + v) - load(by.shift + v)) * load(by.scale + v));
  } else {
    for (int c = 0; c < M; c++) out[c] = ((double)x[c] - by.shift[c]) * by.scale[c];
  }
}

// Copies M columns of some rows that are stored by rows into lanes of a strip (rows, STRIP).
template <class T, int M>
void copy_rows(const Part& part, const Rows& rows, int64_t column, double* out, Ahead& ahead) {
  const char* from = part.data + column * part.along;
  const Coordinates<M> by(part, column);
  if (rows.numbers) {
    for (int i = 0; i < rows.count; i++) {
      const char* row = from + rows.numbers[rows.first + i] * part.down;
      copy_row<T, M>(reinterpret_cast<const T*>(row), by, out + i * STRIP);
    }
    return;
  }
  const int64_t count = rows.count, down = part.down;  // here, since a store of a vector may change any memory
  from += rows.first * down;
  Ahead next = ahead;
  for (int64_t i = 0; i < count; i++, from += down) {
    next.fetch(1);
    copy_row<T, M>(reinterpret_cast<const T*>(from), by, out + i * STRIP);
  }
  ahead = next;
}

template <class T, int M = STRIP>
void copy_some(const Part& part, const Rows& rows, int64_t column, int m, double* out, Ahead& ahead) {
  if constexpr (M > 1)
    if (m < M) return copy_some<T, M - 1>(part, rows, column, m, out, ahead);
  copy_rows<T, M>(part, rows, column, out, ahead);
}

// Lanes [begin, end) of a strip (rows, STRIP) from columns that are contiguous and padded. Where begin is not zero,
// a column that is null is left as it is.
void columns_to_strip(const double** columns, int begin, int end, int rows, double* strip) {
  if (begin) {
    for (int lane = begin; lane < end; lane++)
      if (columns[lane])
        for (int r = 0; r < rows; r++) strip[r * STRIP + lane] = columns[lane][r];
    return;
  }
  static const double zeros[BLOCK_ROWS] = {};
  for (int lane = end; lane < STRIP; lane++) columns[lane] = zeros;
  for (int r = 0; r < padded(rows); r += 4)
    for (int half = 0; half < STRIP; half += 4) {
      const double* four[4];
      for (int c = 0; c < 4; c++) four[c] = columns[half + c] + r;
      transpose_4x4(four, strip + r * STRIP + half, STRIP);
    }
}

// Copies some rows of all parts, side by side, into strips (strips, BLOCK_ROWS, STRIP). Lanes behind the last column
// keep what they are. again : whether the strips hold other rows, so that a column of equal values is there already.
void pack(const Part* parts, int64_t count, const Rows& rows, bool again, double* strips, Ahead& ahead) {
  double copies[STRIP * SHORT_ROWS];
  const double* columns[STRIP];
  int64_t place = 0;
  int begin = 0;  // lanes of the strip that were filled by rows
  for (int64_t p = 0; p < count; p++)
    for (int64_t column = 0; column < parts[p].columns;) {
      int lane = place % STRIP, m = (int)std::min<int64_t>(STRIP - lane, parts[p].columns - column);
      double* strip = strips + place / STRIP * BLOCK_ROWS * STRIP;
      if (lane == 0) begin = 0;
      if (is_by_rows(parts[p])) {
        if (begin < lane) columns_to_strip(columns, begin, lane, rows.count, strip);
        if (parts[p].kind == FLOAT64)
          copy_some<double>(parts[p], rows, column, m, strip + lane, ahead);
        else
          copy_some<float>(parts[p], rows, column, m, strip + lane, ahead);
        begin = lane + m;
      } else {
        if (again && parts[p].down == 0 && begin)
          std::fill(columns + lane, columns + lane + m, nullptr);
        else
          read_columns(parts[p], rows, column, m, copies + lane * SHORT_ROWS, columns + lane);
        if (lane + m == STRIP) columns_to_strip(columns, begin, STRIP, rows.count, strip);
      }
      place += m;
      column += m;
    }
  if (begin < place % STRIP)
    columns_to_strip(columns, begin, place % STRIP, rows.count, strips + place / STRIP * BLOCK_ROWS * STRIP);
}

// Multiplies every row of the strips by a factor of its own.
void weight_rows(double* strips, int64_t width, int rows, const double* factors) {
  for (int64_t s = 0; s < width / STRIP; s++, strips += BLOCK_ROWS * STRIP)
    for (int r = 0; r < rows; r++)
      for (int v = 0; v < STRIP; v += W) {
        double* at = strips + r * STRIP + v;
        store(at, load(at) * repeat(factors[r]));
      }
}

inline int64_t columns_of(const Part* parts, int64_t count) {
  int64_t columns = 0;
  for (int64_t p = 0; p < count; p++) columns += parts[p].columns;
  return columns;
}

inline int64_t strips_width(int64_t columns) { return (columns + STRIP - 1) / STRIP * STRIP; }

// Where the lanes of a column and those after it begin in the strips.
inline const double* lanes_of(const double* strips, int64_t column) {
  return strips + column / STRIP * BLOCK_ROWS * STRIP + column % STRIP;
}

// The first place in some memory where a cache line begins.
inline double* aligned(double* memory) {
  while (reinterpret_cast<uintptr_t>(memory) % (STRIP * sizeof(double))) memory++;
  return memory;
}

}  // namespace
