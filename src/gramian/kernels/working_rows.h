// Working rows of generalized linear models: from outcomes and linear predictors to weights, working residuals and
// deviances, as in gramian/models (links.py, deviances.py, glm.py), by which the formulas are explained.
#pragma once
#include "elementary.h"
#include "parts.h"

namespace {

enum Link { IDENTITY, LOG, LOGIT, PROBIT, CLOGLOG, INVERSE };
constexpr double ROOT_HALF = 0x1.6a09e667f3bcdp-1, ROOT_2_PI = 0x1.9884533d43651p-1;  // roots of 1/2 and 2 / pi
enum Family { BINOMIAL, POISSON, GAMMA, GAUSSIAN };

// Means and what families compute from them, row by row: `Mean` of links.py, and bend = mu'' / mu'. For means on the
// real line rate is mu' itself.
struct Means {
  double mu[BLOCK_ROWS], log[BLOCK_ROWS], rate[BLOCK_ROWS], rest[BLOCK_ROWS], log_rest[BLOCK_ROWS],
      rest_rate[BLOCK_ROWS], bend[BLOCK_ROWS];
};

// Weights, scores and deviances of rows.
struct Working {
  double w[BLOCK_ROWS], s[BLOCK_ROWS], deviance[BLOCK_ROWS];
};

void proportions(Link link, const double* eta, int n, Means& m) {
  switch (link) {
    case LOGIT:
      for (int i = 0; i < n; i++) {
        bool below = eta[i] < 0.0;
        double e = exponential(-std::fabs(eta[i])), larger = 1.0 / (1.0 + e), smaller = e * larger;
        double both = logarithm_of_one_and(e, larger);
        m.mu[i] = m.rest_rate[i] = below ? smaller : larger;
        m.rest[i] = m.rate[i] = below ? larger : smaller;
        m.log[i] = (below ? eta[i] : 0.0) - both;
        m.log_rest[i] = (below ? 0.0 : -eta[i]) - both;
        m.bend[i] = m.rest[i] - m.mu[i];
      }
      break;
    case PROBIT:
      for (int i = 0; i < n; i++) {
        bool below = eta[i] < 0.0;
        // a^2 = head^2 + (a - head) (a + head), where head has few bits: the rounding of a square is not magnified
        double a = std::fabs(eta[i]), head = std::rint((a < 64.0 ? a : 64.0) * 16.0) / 16.0;
        double bell = exponential(-0.5 * head * head) * exponential(-0.5 * (a - head) * (a + head));
        double scaled = scaled_error_function(a * ROOT_HALF), tail = 0.5 * scaled * bell, larger = 1.0 - tail;
        double log_tail = logarithm(0.5 * scaled) - 0.5 * a * a, rate = ROOT_2_PI / scaled;
        double log_larger = logarithm_of_one_and(-tail, 1.0 / larger), larger_rate = bell * (0.5 * ROOT_2_PI) / larger;
        m.mu[i] = below ? tail : larger;
        m.log[i] = below ? log_tail : log_larger;
        m.rate[i] = below ? rate : larger_rate;
        m.rest[i] = below ? larger : tail;
        m.log_rest[i] = below ? log_larger : log_tail;
        m.rest_rate[i] = below ? larger_rate : rate;
        m.bend[i] = -eta[i];
      }
      break;
    case CLOGLOG:
      for (int i = 0; i < n; i++) {
        double t = exponential(eta[i] < 700.0 ? eta[i] : 700.0), rest = exponential(-t);
        double rate = t > 0.0 ? t / exponential_less_one(t) : 1.0;
        bool small = t < LN2;
        double for_small = (eta[i] - t) - logarithm(small ? rate : 1.0);
        double for_large = logarithm_of_one_and(small ? 0.0 : -rest, 1.0 / (1.0 - rest));
        m.mu[i] = 0.0 - exponential_less_one(-t);  // zero is not negative
        m.log[i] = small ? for_small : for_large;
        m.rate[i] = rate;
        m.rest[i] = rest;
        m.log_rest[i] = -t;
        m.rest_rate[i] = t;
        m.bend[i] = 1.0 - t;
      }
      break;
    default:  // LOG
      for (int i = 0; i < n; i++) {
        double mu = exponential(eta[i]), rest = 0.0 - exponential_less_one(eta[i]);
        bool small = eta[i] < -LN2;
        double for_small = logarithm_of_one_and(small ? -mu : 0.0, 1.0 / (1.0 - mu)), for_large = logarithm(small ? 1.0 : rest);
        m.mu[i] = mu;
        m.log[i] = eta[i];
        m.rate[i] = m.bend[i] = 1.0;
        m.rest[i] = rest;
        m.log_rest[i] = small ? for_small : for_large;
        m.rest_rate[i] = mu / rest;
      }
  }
}

void positive_means(Link link, const double* eta, int n, Means& m) {
  for (int i = 0; i < n; i++) m.log_rest[i] = 0.0;
  if (link == LOG)
    for (int i = 0; i < n; i++) {
      m.mu[i] = exponential(eta[i]);
      m.log[i] = eta[i];
      m.rate[i] = m.bend[i] = 1.0;
    }
  else
    for (int i = 0; i < n; i++) {
      double inverse = 1.0 / eta[i];
      m.mu[i] = link == IDENTITY ? eta[i] : inverse;
      m.rate[i] = link == IDENTITY ? inverse : -inverse;
      m.bend[i] = link == IDENTITY ? 0.0 : -2.0 * inverse;
      m.log[i] = logarithm(m.mu[i]);
    }
}

void means_on_the_line(Link link, const double* eta, int n, Means& m) {
  for (int i = 0; i < n; i++) {
    double inverse = 1.0 / eta[i];
    m.mu[i] = link == IDENTITY ? eta[i] : link == LOG ? exponential(eta[i]) : inverse;
    m.rate[i] = link == IDENTITY ? 1.0 : link == LOG ? m.mu[i] : -inverse * inverse;
    m.bend[i] = link == IDENTITY ? 0.0 : link == LOG ? 1.0 : -2.0 * inverse;
    m.log[i] = m.log_rest[i] = 0.0;
  }
}

// y log(y / mu) - d, where d = y - mu: half a unit Poisson deviance, by a series in d / (y + mu) where y is near mu.
inline double half_poisson_deviance(double y, double mu, double d, double log_mu) {
  double v = d / (y + mu + SMALLEST), ratio = y / mu, square = v * v;
  bool huge = !(ratio < 1e300), near = std::fabs(v) < 0.1;
  double of = huge ? y : ratio;
  double log_ratio = logarithm(of > SMALLEST ? of : SMALLEST) - (huge ? log_mu : 0.0);
  double series = square / 17.0;
  for (int k = 15; k > 1; k -= 2) series = (series + 1.0 / k) * square;
  double by_series = (2.0 * y * series + d) * v, direct = y * log_ratio - d;
  return near ? by_series : direct;
}

void binomial_deviances(const double* y, const Means& m, int n, double* deviance) {
  bool shares = false;
  for (int i = 0; i < n; i++) shares = shares || y[i] * (1.0 - y[i]) != 0.0;
  for (int i = 0; i < n; i++) deviance[i] = -2.0 * (y[i] * m.log[i] + (1.0 - y[i]) * m.log_rest[i]);
  if (!shares) return;
  for (int i = 0; i < n; i++) {
    double d = y[i] - m.mu[i], successes = half_poisson_deviance(y[i], m.mu[i], d, m.log[i]);
    deviance[i] = 2.0 * (successes + half_poisson_deviance(1.0 - y[i], m.rest[i], -d, m.log_rest[i]));
  }
}

// The observed information where it is positive and finite, else the expected one.
inline double information(bool observed, double of_data, double expected) {
  return observed && of_data > 0.0 && of_data < INF ? of_data : expected;
}

void binomial(const double* y, const Means& m, int n, bool observed, Working& out) {
  for (int i = 0; i < n; i++) {
    double z = 1.0 - y[i], rate = m.rate[i], rest_rate = m.rest_rate[i];
    double of_data = y[i] * rate * (rate - m.bend[i]) + z * rest_rate * (rest_rate + m.bend[i]);
    out.s[i] = y[i] * rate - z * rest_rate;
    out.w[i] = information(observed, of_data, rate * rest_rate);
  }
  binomial_deviances(y, m, n, out.deviance);
}

// Positive means with variance mu (POISSON) or mu^2 (GAMMA).
void positive(Family family, const double* y, const Means& m, int n, bool observed, Working& out) {
  bool gamma = family == GAMMA;
  for (int i = 0; i < n; i++) {
    double mu = m.mu[i], rate = m.rate[i], d = y[i] - mu;
    double relative = gamma ? mu : 1.0, slope = gamma ? 2.0 * mu : 1.0;  // V / mu and V'
    double curvature = m.bend[i] - rate * (slope / relative);
    out.s[i] = d * rate / relative;
    out.w[i] = information(observed, (mu * rate - d * curvature) * rate / relative, mu / relative * rate * rate);
  }
  if (gamma)
    for (int i = 0; i < n; i++) {
      double mu = m.mu[i];
      out.deviance[i] = 2.0 * half_poisson_deviance(1.0, y[i] / mu, (mu - y[i]) / mu, logarithm(y[i]) - m.log[i]);
    }
  else
    for (int i = 0; i < n; i++)
      out.deviance[i] = 2.0 * half_poisson_deviance(y[i], m.mu[i], y[i] - m.mu[i], m.log[i]);
}

void gaussian(const double* y, const Means& m, int n, bool observed, Working& out) {
  for (int i = 0; i < n; i++) {
    double d = y[i] - m.mu[i], slope = m.rate[i];
    out.s[i] = d * slope;
    out.w[i] = information(observed, slope * (slope - d * m.bend[i]), slope * slope);
    out.deviance[i] = d * d;
  }
}

// What a generalized linear model makes of rows: which family and link, and whether weights are of the data observed.
struct Model {
  int64_t family, link, observed;
};

// Working rows of n outcomes y at linear predictors eta, with prior weights or null; n is a multiple of STRIP. Writes
// roots of weights into root and working residuals into r. Returns the deviance, or NaN where something is not finite.
double working_rows(const Model& model, const double* y, const double* eta, const double* prior, int n, double* root,
                    double* r) {
  Means m;
  Working out;
  Link link = static_cast<Link>(model.link);
  bool observed = model.observed;
  if (model.family == BINOMIAL) {
    proportions(link, eta, n, m);
    binomial(y, m, n, observed, out);
  } else if (model.family == GAUSSIAN) {
    means_on_the_line(link, eta, n, m);
    gaussian(y, m, n, observed, out);
  } else {
    positive_means(link, eta, n, m);
    positive(static_cast<Family>(model.family), y, m, n, observed, out);
  }
  double lanes[STRIP] = {}, wrong[STRIP] = {};
  for (int i = 0; i < n; i += STRIP)
    for (int c = 0; c < STRIP; c++) {
      double p = prior[i + c], s = out.s[i + c] * p, w = out.w[i + c] * p, deviance = out.deviance[i + c] * p;
      double floor = 1e-100 * std::fabs(s);  // so that s / w and its square stay finite
      lanes[c] += deviance;
      wrong[c] += (s + w + deviance + m.log[i + c] + m.log_rest[i + c]) * 0.0;
      w = w > floor ? w : floor;
      root[i + c] = std::sqrt(w);
      r[i + c] = s / (w > SMALLEST ? w : SMALLEST);
    }
  for (int step = STRIP / 2; step; step /= 2)
    for (int c = 0; c < step; c++) lanes[c] += lanes[c + step], wrong[c] += wrong[c + step];
  return lanes[0] + wrong[0];
}

// Linear predictors of the rows of a block: eight lanes of sums, which are added in pairs. W rows are turned at a time;
// eta has room for them behind the last row, too.
void predict(const double* strips, const double* b, int64_t width, int rows, double* eta) {
  for (int r = 0; r < rows; r += W) {
    vec sums[STRIP / W][W];
    for (int v = 0; v < STRIP / W; v++) {
      for (int i = 0; i < W; i++) sums[v][i] = repeat(0.0);
      for (int64_t s = 0; s < width; s += STRIP) {
        const double* at = strips + s * BLOCK_ROWS + r * STRIP + v * W;
        vec coefficients = load(b + s + v * W);
        for (int i = 0; i < W; i++) sums[v][i] = fused(load(at + i * STRIP), coefficients, sums[v][i]);
      }
      transpose(sums[v]);
    }
    vec lane[STRIP];
    for (int c = 0; c < STRIP; c++) lane[c] = sums[c / W][c % W];
    store(eta + r, ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7])));
  }
}

}  // namespace
