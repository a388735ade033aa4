// Graphs of levels: connected components, and products of sparse matrices with a few columns.
//
// Products add in the order of the entries, each multiplication and addition rounded, as SciPy's do.
#pragma once
#include <cstdint>

namespace {

// The representative of a node; the way there is shortened on the walk.
inline int64_t root_of(int64_t* parents, int64_t node) {
  while (parents[node] != node) {
    parents[node] = parents[parents[node]];
    node = parents[node];
  }
  return node;
}

// Y = A X for K columns, held in registers while the entries of a row are added.
template <int K>
void times(const int32_t* starts, const int32_t* places, const double* values, int64_t rows, const double* X,
           double* Y) {
  for (int64_t i = 0; i < rows; i++) {
    double sums[K];
    for (int c = 0; c < K; c++) sums[c] = 0.0;
    for (int32_t e = starts[i]; e < starts[i + 1]; e++) {
      const double* x = X + (int64_t)places[e] * K;
      for (int c = 0; c < K; c++) sums[c] += values[e] * x[c];
    }
    for (int c = 0; c < K; c++) Y[i * K + c] = sums[c];
  }
}

// The same for any number of columns.
template <int K>
void times_of(const int32_t* starts, const int32_t* places, const double* values, int64_t rows, const double* X,
              int64_t k, double* Y) {
  if (k == K) return times<K>(starts, places, values, rows, X, Y);
  if constexpr (K < 16) return times_of<K + 1>(starts, places, values, rows, X, k, Y);
  for (int64_t i = 0; i < rows; i++) {
    double* out = Y + i * k;
    for (int64_t c = 0; c < k; c++) out[c] = 0.0;
    for (int32_t e = starts[i]; e < starts[i + 1]; e++)
      for (int64_t c = 0; c < k; c++) out[c] += values[e] * X[(int64_t)places[e] * k + c];
  }
}

}  // namespace
