// Graphs of levels: connected components, and products of sparse matrices with a few columns.
//
// Products add in the order of the entries, each multiplication and addition rounded, as SciPy's do.
#pragma once
#include <cstdint>

#include "parts.h"

namespace {

// The representative of a node; the way there is shortened on the walk.
inline int64_t root_of(int64_t* parents, int64_t node) {
  while (parents[node] != node) {
    parents[node] = parents[parents[node]];
    node = parents[node];
  }
  return node;
}

constexpr int64_t ENTRIES_AHEAD = 24;  // rows of X are fetched so many entries before they are added

// A sparse matrix as SciPy holds it, of which the rows [first, last) are multiplied. divisors : of each row of the
// product, or null; subtracts : whether the product is subtracted from Y.
struct SparseRows {
  const int32_t* starts;
  const int32_t* places;
  const double* values;
  int64_t first, last;
  const double* divisors;
  int64_t subtracts, fetches;
};

// Writes the sums of a row, of K columns.
template <int K>
inline void put(const SparseRows& A, int64_t row, const double* sums, double* out) {
  for (int c = 0; c < K; c++) {
    double y = A.divisors ? sums[c] / A.divisors[row] : sums[c];
    out[c] = A.subtracts ? out[c] - y : y;
  }
}

// Y = A X for K columns, held in registers while the entries of a row are added.
template <int K, bool FETCHES>
void times(const SparseRows& A, const double* X, double* Y) {
  int32_t end = A.starts[A.last];
  for (int64_t i = A.first; i < A.last; i++) {
    double sums[K];
    for (int c = 0; c < K; c++) sums[c] = 0.0;
    for (int32_t e = A.starts[i]; e < A.starts[i + 1]; e++) {
      if (FETCHES && e + ENTRIES_AHEAD < end) {
        const double* next = X + (int64_t)A.places[e + ENTRIES_AHEAD] * K;
        for (int c = 0; c < K; c += STRIP) __builtin_prefetch(next + c);
        __builtin_prefetch(next + K - 1);
      }
      const double* x = X + (int64_t)A.places[e] * K;
      for (int c = 0; c < K; c++) sums[c] += A.values[e] * x[c];
    }
    put<K>(A, i, sums, Y + i * K);
  }
}

// The same for any number of columns: of more than 16, some after others.
template <int K>
void times_of(const SparseRows& A, const double* X, int64_t k, double* Y) {
  if (k == K) return A.fetches ? times<K, true>(A, X, Y) : times<K, false>(A, X, Y);
  if constexpr (K < 16) return times_of<K + 1>(A, X, k, Y);
  for (int64_t i = A.first; i < A.last; i++)
    for (int64_t at = 0; at < k; at += 16) {
      int n = (int)(k - at < 16 ? k - at : 16);
      double sums[16] = {0.0};
      for (int32_t e = A.starts[i]; e < A.starts[i + 1]; e++)
        for (int c = 0; c < n; c++) sums[c] += A.values[e] * X[(int64_t)A.places[e] * k + at + c];
      for (int c = 0; c < n; c++) put<1>(A, i, sums + c, Y + i * k + at + c);
    }
}

}  // namespace
