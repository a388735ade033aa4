// Exact sums: columns as digits on a binary grid, whose products are integers that float64 sums without rounding.
#pragma once
#include <algorithm>
#include <cmath>

#include "parts.h"

namespace {

// How columns are cut into digits, and where these stand among all digits. A column has `counts` digits, of which the
// lowest is at `first` and each other one `step` further; times its factor, the highest digit has the unit 1, and is at
// most its limit. The constant stands at `constant` where that is not negative.
struct DigitPlaces {
  const double *factors, *limits;
  const int64_t *counts, *first, *step;
  int64_t constant, width;
  double base;
};

// Digits of one column, the highest at top, each lower one a step further. wrong : set where a value is not finite, too
// large, or has lower digits.
void digits_of_column(const double* values, int rows, double factor, double limit, int64_t digits, double base,
                      double* top, int64_t step, unsigned char* wrong) {
  double rest[SHORT_ROWS], bad[SHORT_ROWS];
  for (int i = 0; i < rows; i++) {
    double x = values[i] * factor, digit = std::rint(x);
    bad[i] = (x == 0.0 && values[i] != 0.0) || !(std::fabs(digit) <= limit) ? 1.0 : 0.0;
    top[i] = digit;
    rest[i] = x - digit;
  }
  for (int64_t s = 1; s < digits; s++) {
    double* out = top + s * step;
    for (int i = 0; i < rows; i++) {
      double x = rest[i] * base, digit = std::rint(x);
      out[i] = digit;
      rest[i] = x - digit;
    }
  }
  for (int i = 0; i < rows; i++) wrong[i] |= rest[i] != 0.0 || bad[i] != 0.0;
}

// Digits of some rows of all parts, by columns of BLOCK_ROWS; rows that do not fit are zero.
void digits_of_rows(const Part* parts, int64_t count, const Rows& rows, const DigitPlaces& places, double* digits,
                    unsigned char* wrong) {
  double copies[STRIP * SHORT_ROWS];
  const double* columns[STRIP];
  int64_t place = 0;
  for (int64_t p = 0; p < count; p++)
    for (int64_t column = 0, m; column < parts[p].columns; column += m) {
      m = std::min<int64_t>(STRIP, parts[p].columns - column);
      read_columns(parts[p], rows, column, (int)m, copies, columns);
      for (int64_t c = 0; c < m; c++, place++) {
        int64_t last = places.counts[place] - 1, step = places.step[place];
        double* top = digits + (places.first[place] + last * step) * BLOCK_ROWS;
        digits_of_column(columns[c], rows.count, places.factors[place], places.limits[place], last + 1, places.base,
                         top, -step * BLOCK_ROWS, wrong);
      }
    }
  if (places.constant >= 0) std::fill_n(digits + places.constant * BLOCK_ROWS, rows.count, 1.0);
  for (int i = 0; i < rows.count; i++)
    if (wrong[i])
      for (int64_t c = 0; c < places.width; c++) digits[c * BLOCK_ROWS + i] = 0.0;
}

// Columns of BLOCK_ROWS as strips, of which only `rows` rows are used.
void digits_to_strips(const double* digits, int64_t width, int rows, double* strips) {
  for (int64_t column = 0; column < width; column += STRIP) {
    const double* columns[STRIP];
    int m = (int)std::min<int64_t>(STRIP, width - column);
    for (int c = 0; c < m; c++) columns[c] = digits + (column + c) * BLOCK_ROWS;
    columns_to_strip(columns, 0, m, rows, strips + column / STRIP * BLOCK_ROWS * STRIP);
  }
}

}  // namespace
