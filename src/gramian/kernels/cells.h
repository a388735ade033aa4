// Sums over the cells of factors: values added to the rows of a table, and sorted tables added to each other.
//
// Every sum is added in the order of the rows, as NumPy's `bincount` does, so that both give the same bits.
#pragma once
#include <cstdint>
#ifdef __linux__
#include <malloc.h>
#endif

namespace {

constexpr int64_t ROWS_AHEAD = 16;  // rows of a table are fetched so many steps before they are added to

// Values of one column, a stride in bytes apart.
struct Strided {
  const char* data;
  int64_t stride;
};

// Tables of sums: cells (f, n), one contiguous row a factor, in lexicographic order; rows (n,); sums (n, k).
struct Cells {
  const int32_t* codes;
  const int64_t* rows;
  const double* sums;
  int64_t count;
};

// The order of cell i of a table and cell j of another: negative, zero or positive.
inline int order_of(const Cells& a, int64_t i, const Cells& b, int64_t j, int64_t factors) {
  for (int64_t f = 0; f < factors; f++) {
    int32_t x = a.codes[f * a.count + i], y = b.codes[f * b.count + j];
    if (x != y) return x < y ? -1 : 1;
  }
  return 0;
}

// Gives memory that was freed back to the system, which the allocator of some systems keeps for later.
inline void release_freed() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace
