// Vectors of W doubles of the instruction set that the compiler was asked for. Every function below rounds once.
#pragma once
#include <cmath>

#if defined(__AVX512F__)
#include <immintrin.h>
typedef __m512d vec;
constexpr int W = 8, TILE_ROWS = 8, TILE_VECTORS = 3, TRIANGLE_VECTORS = 2;  // 24 of 32 registers hold sums
static inline vec load(const double* p) { return _mm512_loadu_pd(p); }
static inline void store(double* p, vec a) { _mm512_storeu_pd(p, a); }
static inline vec repeat(double a) { return _mm512_set1_pd(a); }
// The same from a register, which costs a multiply-add, where a read would cost more.
static inline vec repeat_lane(vec a, int lane) { return _mm512_permutexvar_pd(_mm512_set1_epi64(lane), a); }
constexpr bool REPEATS_LANES = true;
static inline vec fused(vec a, vec b, vec c) { return _mm512_fmadd_pd(a, b, c); }
#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
typedef __m256d vec;
constexpr int W = 4, TILE_ROWS = 4, TILE_VECTORS = 3, TRIANGLE_VECTORS = 2;  // 12 of 16
static inline vec load(const double* p) { return _mm256_loadu_pd(p); }
static inline void store(double* p, vec a) { _mm256_storeu_pd(p, a); }
static inline vec repeat(double a) { return _mm256_set1_pd(a); }
static inline vec fused(vec a, vec b, vec c) { return _mm256_fmadd_pd(a, b, c); }
#elif defined(__aarch64__)
#include <arm_neon.h>
typedef float64x2_t vec;
constexpr int W = 2, TILE_ROWS = 4, TILE_VECTORS = 4, TRIANGLE_VECTORS = 4;  // 16 to 20 of 32
static inline vec load(const double* p) { return vld1q_f64(p); }
static inline void store(double* p, vec a) { vst1q_f64(p, a); }
static inline vec repeat(double a) { return vdupq_n_f64(a); }
static inline vec fused(vec a, vec b, vec c) { return vfmaq_f64(c, a, b); }
#else
typedef double vec;
constexpr int W = 1, TILE_ROWS = 2, TILE_VECTORS = 4, TRIANGLE_VECTORS = 4;
static inline vec load(const double* p) { return *p; }
static inline void store(double* p, vec a) { *p = a; }
static inline vec repeat(double a) { return a; }
static inline vec fused(vec a, vec b, vec c) { return std::fma(a, b, c); }
#endif

#if !defined(__AVX512F__)
static inline vec repeat_lane(vec a, int) { return a; }  // never called
constexpr bool REPEATS_LANES = false;
#endif

// The first m <= W of W numbers, the others zero.
static inline vec load_some(const double* p, int m) {
#if defined(__AVX512F__)
  return _mm512_maskz_loadu_pd((__mmask8)((1 << m) - 1), p);
#else
  if (m == W) return load(p);
  double out[W] = {};
  for (int i = 0; i < m; i++) out[i] = p[i];
  return load(out);
#endif
}

static inline void store_some(double* p, vec a, int m) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_pd(p, (__mmask8)((1 << m) - 1), a);
#else
  if (m == W) return store(p, a);
  double out[W];
  store(out, a);
  for (int i = 0; i < m; i++) p[i] = out[i];
#endif
}

// Adds the first m <= W of W numbers to those at p.
static inline void add_some(double* p, const double* b, int m) {
#if defined(__AVX512F__)
  store_some(p, load_some(p, m) + load(b), m);
#else
  if (m == W) return store(p, load(p) + load(b));
  for (int i = 0; i < m; i++) p[i] += b[i];
#endif
}

// s = a + b rounded, and e its rounding error: a + b = s + e exactly (Knuth).
static inline void two_sum(vec a, vec b, vec& s, vec& e) {
  s = a + b;
  vec t = s - a;
  e = (a - (s - t)) + (b - t);
}

// W vectors as the rows of a square matrix, which is transposed.
static inline void transpose(vec* a) {
#if defined(__AVX512F__)
  vec pairs[8], fours[8];  // two rows: even and odd columns; four rows: columns 0 and 4, 1 and 5, 2 and 6, 3 and 7
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm512_unpacklo_pd(a[i], a[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_pd(a[i], a[i + 1]);
  }
  for (int i = 0; i < 8; i += 4)
    for (int odd = 0; odd < 2; odd++) {
      fours[i + odd] = _mm512_shuffle_f64x2(pairs[i + odd], pairs[i + 2 + odd], 0x88);
      fours[i + 2 + odd] = _mm512_shuffle_f64x2(pairs[i + odd], pairs[i + 2 + odd], 0xdd);
    }
  for (int i = 0; i < 4; i++) {
    a[i] = _mm512_shuffle_f64x2(fours[i], fours[4 + i], 0x88);
    a[4 + i] = _mm512_shuffle_f64x2(fours[i], fours[4 + i], 0xdd);
  }
#elif defined(__AVX2__) && defined(__FMA__)
  vec ab_even = _mm256_unpacklo_pd(a[0], a[1]), ab_odd = _mm256_unpackhi_pd(a[0], a[1]);
  vec cd_even = _mm256_unpacklo_pd(a[2], a[3]), cd_odd = _mm256_unpackhi_pd(a[2], a[3]);
  a[0] = _mm256_permute2f128_pd(ab_even, cd_even, 0x20);
  a[1] = _mm256_permute2f128_pd(ab_odd, cd_odd, 0x20);
  a[2] = _mm256_permute2f128_pd(ab_even, cd_even, 0x31);
  a[3] = _mm256_permute2f128_pd(ab_odd, cd_odd, 0x31);
#elif defined(__aarch64__)
  vec even = vtrn1q_f64(a[0], a[1]);
  a[1] = vtrn2q_f64(a[0], a[1]);
  a[0] = even;
#else
  (void)a;
#endif
}

// Four columns of four rows each, transposed: out[step * row + column] = columns[column][row].
static inline void transpose_4x4(const double* const* columns, double* out, long step) {
#if defined(__AVX2__)
  __m256d a = _mm256_loadu_pd(columns[0]), b = _mm256_loadu_pd(columns[1]);
  __m256d c = _mm256_loadu_pd(columns[2]), d = _mm256_loadu_pd(columns[3]);
  __m256d ab_even = _mm256_unpacklo_pd(a, b), ab_odd = _mm256_unpackhi_pd(a, b);
  __m256d cd_even = _mm256_unpacklo_pd(c, d), cd_odd = _mm256_unpackhi_pd(c, d);
  _mm256_storeu_pd(out, _mm256_permute2f128_pd(ab_even, cd_even, 0x20));
  _mm256_storeu_pd(out + step, _mm256_permute2f128_pd(ab_odd, cd_odd, 0x20));
  _mm256_storeu_pd(out + 2 * step, _mm256_permute2f128_pd(ab_even, cd_even, 0x31));
  _mm256_storeu_pd(out + 3 * step, _mm256_permute2f128_pd(ab_odd, cd_odd, 0x31));
#else
  for (int row = 0; row < 4; row++)
    for (int column = 0; column < 4; column++) out[row * step + column] = columns[column][row];
#endif
}
