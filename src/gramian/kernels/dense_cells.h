// Rows added to dense tables of cells while their products are made.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "cells.h"
#include "parts.h"

namespace {

// A dense table, to which sums over some rows are added that are made by themselves first.
struct DenseTable {
  const int64_t* codes;  // of the cell of each row
  int64_t cells, width;
  const int64_t* lanes;  // columns that are summed, (width,); null for the first ones
  double* sums;          // (cells, width)
  int64_t* rows;         // (cells,)
  double* new_sums;      // zeros, as many as the sums and rows
  int64_t* new_rows;
};

// Adds rows of strips to the new sums. counts : how often each row counts, or null.
inline void add_to_cells(const DenseTable& table, const double* strips, int64_t first, int rows, int64_t last,
                         const double* counts) {
  const int64_t width = table.width, *codes = table.codes, *lanes = table.lanes;
  for (int64_t i = 0; i < rows; i++) {
    int64_t ahead = std::min(first + i + ROWS_AHEAD, last - 1);
    const double* next = table.new_sums + codes[ahead] * width;
    for (int64_t j = 0; j < width; j += STRIP) __builtin_prefetch(next + j, 1);
    int64_t cell = codes[first + i];
    table.new_rows[cell] += counts ? (int64_t)counts[first + i] : 1;
    double* out = table.new_sums + cell * width;
    const double* row = strips + i * STRIP;
    if (lanes)
      for (int64_t j = 0; j < width; j++) out[j] += *lanes_of(row, lanes[j]);
    else
      for (int64_t j = 0; j < width; j += W)
        add_some(out + j, lanes_of(row, j), (int)std::min<int64_t>(W, width - j));
  }
}

// Adds the new sums to the table, or forgets them; zeros are left.
inline void end_block(const DenseTable& table, bool is_added) {
  int64_t size = table.cells * table.width;
  for (int64_t i = 0; is_added && i < size; i++) table.sums[i] += table.new_sums[i];
  for (int64_t i = 0; is_added && i < table.cells; i++) table.rows[i] += table.new_rows[i];
  std::memset(table.new_sums, 0, sizeof(double) * size);
  std::memset(table.new_rows, 0, sizeof(int64_t) * table.cells);
}

}  // namespace
