// Numbers that are worked on at once, and products of matrices that fit the cache.

#ifndef MEDJAX_OPS_PRODUCT_H_
#define MEDJAX_OPS_PRODUCT_H_

#include <cstdint>

namespace medjax {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif
constexpr int64_t kPanel = 2 * kLanes;       // columns of a block
constexpr int kRows = kLanes == 8 ? 6 : 12;  // of a block of a product: what the registers hold

typedef float Vec __attribute__((vector_size(4 * kLanes)));
typedef float LooseVec __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));

inline Vec Load(const float* p) { return *reinterpret_cast<const LooseVec*>(p); }
inline void Store(float* p, Vec v) { *reinterpret_cast<LooseVec*>(p) = v; }

// A [rows, steps], element (m, k) at a[m * a_row + k * a_step] and further `segments` of steps
// `a_segment` apart; B [segments * steps, columns] with rows b_row apart, in panels of kPanel columns
// b_panel apart; C = or += A B. Columns are a multiple of kLanes.
struct Product {
  int64_t rows, columns, steps, segments;
  const float* a;
  int64_t a_row, a_step, a_segment;
  const float* b;
  int64_t b_row;
  float* c;
  int64_t c_row;
  bool add;
  int64_t b_panel = kPanel;
};

template <int kM, int kN>
void Block(const Product& p, int64_t m0, int64_t n0) {
  Vec sum[kM][kN];
#pragma GCC unroll 12
  for (int m = 0; m < kM; ++m)
#pragma GCC unroll 2
    for (int n = 0; n < kN; ++n) sum[m][n] = Vec{};
  const float* b = p.b + n0 / kPanel * p.b_panel;  // n0 is the start of one
  for (int64_t s = 0; s < p.segments; ++s) {
    const float* a = p.a + s * p.a_segment + m0 * p.a_row;
    for (int64_t k = 0; k < p.steps; ++k, b += p.b_row, a += p.a_step) {
      Vec right[kN];
#pragma GCC unroll 2
      for (int n = 0; n < kN; ++n) right[n] = Load(b + n * kLanes);
#pragma GCC unroll 12
      for (int m = 0; m < kM; ++m) {
        Vec left = a[m * p.a_row] - Vec{};  // to all lanes; adding zero would be an addition
#pragma GCC unroll 2
        for (int n = 0; n < kN; ++n) sum[m][n] += left * right[n];
      }
    }
  }
#pragma GCC unroll 12
  for (int m = 0; m < kM; ++m) {
    float* c = p.c + (m0 + m) * p.c_row + n0;
#pragma GCC unroll 2
    for (int n = 0; n < kN; ++n) {
      Store(c + n * kLanes, p.add ? Load(c + n * kLanes) + sum[m][n] : sum[m][n]);
    }
  }
}

template <int kN, int kM = kRows>
void Rest(const Product& p, int64_t m0, int64_t n0) {
  if constexpr (kM > 0) {
    if (p.rows - m0 == kM) return Block<kM, kN>(p, m0, n0);
    Rest<kN, kM - 1>(p, m0, n0);
  }
}

template <int kN>
void Columns(const Product& p, int64_t n0) {
  int64_t m = 0;
  for (; m + kRows <= p.rows; m += kRows) Block<kRows, kN>(p, m, n0);
  if (m < p.rows) Rest<kN>(p, m, n0);
}

inline void Multiply(const Product& p) {
  int64_t n = 0;
  for (; n + 2 * kLanes <= p.columns; n += 2 * kLanes) Columns<2>(p, n);
  if (n < p.columns) Columns<1>(p, n);
}

}  // namespace medjax

#endif  // MEDJAX_OPS_PRODUCT_H_
