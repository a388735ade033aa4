// Exponentials and logarithms whose bits do not depend on the processor or its C library: additions, multiplications,
// fused multiply-adds and integers only. Without branches, so that the compiler makes vectors of loops over them.
// Errors are below two units in the last place.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

namespace {

constexpr double INF = __builtin_inf(), NOT_A_NUMBER = __builtin_nan("");
constexpr double SMALLEST = 0x1p-1022;  // the smallest normal number
constexpr double LN2 = 0x1.62e42fefa39efp-1;
constexpr double LN2_HEAD = 0x1.62e42fefp-1, LN2_TAIL = 0x1.473de6af278edp-34;  // the head has few bits: n * head is exact

inline int64_t bits_of(double x) {
  int64_t out;
  std::memcpy(&out, &x, sizeof out);
  return out;
}

inline double of_bits(int64_t x) {
  double out;
  std::memcpy(&out, &x, sizeof out);
  return out;
}

// exp(x) = scale * (1 + rest), scale a power of two, |rest| below 0.42. For |x| < 709.
inline double reduced_exp(double x, double& scale) {
  constexpr double SHIFT = 0x1.8p52;  // adding it rounds to an integer, which stands in the lowest bits then
  double t = std::fma(x, 1.0 / LN2, SHIFT), n = t - SHIFT;
  double r = std::fma(n, -LN2_TAIL, std::fma(n, -LN2_HEAD, x));
  scale = of_bits((bits_of(t) - bits_of(SHIFT) + 1023) << 52);
  double p = 1.0 / 6227020800.0;  // the series of (exp(r) - 1 - r) / r^2, to r^13 / 13!
  p = std::fma(p, r, 1.0 / 479001600.0);
  p = std::fma(p, r, 1.0 / 39916800.0);
  p = std::fma(p, r, 1.0 / 3628800.0);
  p = std::fma(p, r, 1.0 / 362880.0);
  p = std::fma(p, r, 1.0 / 40320.0);
  p = std::fma(p, r, 1.0 / 5040.0);
  p = std::fma(p, r, 1.0 / 720.0);
  p = std::fma(p, r, 1.0 / 120.0);
  p = std::fma(p, r, 1.0 / 24.0);
  p = std::fma(p, r, 1.0 / 6.0);
  p = std::fma(p, r, 0.5);
  return std::fma(r * r, p, r);
}

// exp(x): zero where it would be subnormal, infinite from 709 on.
inline double exponential(double x) {
  double scale, rest = reduced_exp(x, scale), value = std::fma(scale, rest, scale);
  value = x < -708.0 ? 0.0 : value;
  return x > 709.0 ? INF : value;
}

// exp(x) - 1 without cancellation.
inline double exponential_less_one(double x) {
  double scale, rest = reduced_exp(x, scale), value = std::fma(scale, rest, scale - 1.0);
  value = x < -708.0 ? -1.0 : value;
  return x > 709.0 ? INF : value;
}

// log(x); not a number where x is not above zero.
inline double logarithm(double x) {
  bool tiny = x < SMALLEST;
  double scaled = tiny ? x * 0x1p54 : x;
  const int64_t ROOT = bits_of(0x1.6a09e667f3bcdp-1), ONE = bits_of(1.0);  // the square root of 1/2
  int64_t moved = bits_of(scaled) + (ONE - ROOT);
  double m = of_bits((moved & 0xfffffffffffffLL) + ROOT);  // in [sqrt(1/2), sqrt(2))
  double e = of_bits((moved >> 52) | bits_of(0x1p52)) - (0x1p52 + 1023.0) - (tiny ? 54.0 : 0.0);
  // log(1 + f) = 2 artanh(s), s = f / (2 + f), written as f less something small
  double f = m - 1.0, s = f / (2.0 + f), z = s * s, half = 0.5 * f * f;
  double p = 2.0 / 21.0;
  p = std::fma(p, z, 2.0 / 19.0);
  p = std::fma(p, z, 2.0 / 17.0);
  p = std::fma(p, z, 2.0 / 15.0);
  p = std::fma(p, z, 2.0 / 13.0);
  p = std::fma(p, z, 2.0 / 11.0);
  p = std::fma(p, z, 2.0 / 9.0);
  p = std::fma(p, z, 2.0 / 7.0);
  p = std::fma(p, z, 2.0 / 5.0);
  p = std::fma(p, z, 2.0 / 3.0);
  double small = std::fma(s, std::fma(p, z, half), e * LN2_TAIL);
  double value = e * LN2_HEAD - ((half - small) - f);
  value = x > 0.0 ? value : NOT_A_NUMBER;
  return x == INF ? INF : value;
}

// log(1 + x) for -1/2 <= x <= 1. inverse : 1 / (1 + x), for the small part of x that 1 + x has not.
inline double logarithm_of_one_and(double x, double inverse) {
  double u = 1.0 + x;
  return logarithm(u) + (x - (u - 1.0)) * inverse;
}

// exp(x^2) times the complementary error function of x >= 0. A polynomial in (x - 15/4) / (x + 15/4), divided by 1 + 2 x:
// the Chebyshev series of degree 24 in powers, made with 110 decimal digits. Relative error below 4e-16.
inline double scaled_error_function(double x) {
  constexpr double POWERS[] = {
      0x1.3ccda0b5d5dc2p+0, -0x1.1f367683f89a5p-3, 0x1.d5f294815a405p-9, 0x1.510169d09665bp-4,
      -0x1.bda9309a2949ap-4, 0x1.7a14188a9ce2ap-4, -0x1.e0d0fa6ddfe85p-5, 0x1.d0b0037d167adp-6,
      -0x1.3f603c398c6c5p-7, 0x1.cc3a0e7d2150cp-10, 0x1.33fb2968decd9p-12, -0x1.303fa4966bc38p-12,
      0x1.b1439865f8d9ep-15, 0x1.778b933adcce7p-16, -0x1.800077b775cf3p-17, -0x1.055686d42aa63p-20,
      0x1.d6339f66a50f8p-20, -0x1.eb803840c0574p-25, -0x1.15be4201dc721p-22, 0x1.8fa9fe49c359bp-26,
      0x1.4c37f59c36e71p-25, -0x1.014cd7201b5adp-28, -0x1.638dcc665be8dp-28, 0x1.561b105822235p-32,
      0x1.d3744857e262bp-32};
  double t = (x - 3.75) / (x + 3.75), p = POWERS[24];
#pragma GCC unroll 24
  for (int k = 23; k >= 0; k--) p = std::fma(p, t, POWERS[k]);
  return p / (1.0 + 2.0 * x);
}

}  // namespace
