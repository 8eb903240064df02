// Sums of each column, in one pass over memory.
//
// Every sum is taken in an order that depends on the shapes alone, never on the number of threads, so
// that a result is the same to the bit every time.

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "memory.h"
#include "product.h"
#include "threads.h"

namespace {

using medjax::kLanes;
using medjax::Load;
using medjax::Memory;
using medjax::ParallelFor;
using medjax::Store;
using medjax::Vec;
using Floats = ffi::Buffer<ffi::F32>;
using Mask = ffi::Buffer<ffi::PRED>;

constexpr int64_t kParts = 64;     // sums that are added up at the end
constexpr int64_t kRun = 128;      // rows that are added up in registers
constexpr int kVectors = 4;        // of columns that are added up at a time

// Adds the sums of `rows` rows of y, and of y times x, to those before; with a line, a factor and a
// shift for each column, of those alone where it makes x positive.
template <int kCount, bool kLine>
void AddRun(int64_t rows, int64_t columns, const float* x, const float* y, const float* factor,
            const float* shift, float* sum, float* product) {
  Vec of_y[kCount] = {}, of_both[kCount] = {}, factors[kCount] = {}, shifts[kCount] = {};
  for (int i = 0; kLine && i < kCount; ++i) {
    factors[i] = Load(factor + i * kLanes);
    shifts[i] = Load(shift + i * kLanes);
  }
  for (int64_t row = 0; row < rows; ++row, x += columns, y += columns) {
#pragma GCC unroll 4
    for (int i = 0; i < kCount; ++i) {
      Vec value = Load(y + i * kLanes), with = Load(x + i * kLanes);
      if (kLine) value = with * factors[i] + shifts[i] > 0 ? value : Vec{};
      of_y[i] += value;
      of_both[i] += value * with;
    }
  }
  for (int i = 0; i < kCount; ++i) {
    Store(sum + i * kLanes, Load(sum + i * kLanes) + of_y[i]);
    Store(product + i * kLanes, Load(product + i * kLanes) + of_both[i]);
  }
}

// The same for all columns, some at a time.
template <bool kLine>
void AddRows(int64_t rows, int64_t columns, const float* x, const float* y, const float* factor,
             const float* shift, float* sum, float* product) {
  int64_t f = 0;
  auto add = [&](auto count) {
    for (int64_t width = count() * kLanes; f + width <= columns; f += width) {
      AddRun<count(), kLine>(rows, columns, x + f, y + f, kLine ? factor + f : nullptr,
                             kLine ? shift + f : nullptr, sum + f, product + f);
    }
  };
  add(std::integral_constant<int, kVectors>());
  add(std::integral_constant<int, 1>());
  for (; f < columns; ++f) {
    for (int64_t at = f; at < rows * columns; at += columns) {
      if (kLine && !(x[at] * factor[f] + shift[f] > 0)) continue;
      sum[f] += y[at];
      product[f] += y[at] * x[at];
    }
  }
}

// x and y [B, ..., F], mask [B] -> the sums of y and of y times x over all rows of examples that
// count, [2, F]; with factor and shift [F] instead of [0] where x * factor + shift is positive.
ffi::Error ColumnSums(ffi::ThreadPool pool, Floats x, Floats y, Mask mask, Floats factor,
                      Floats shift, ffi::Result<Floats> sums) {
  int64_t columns = x.dimensions().back(), rows = x.element_count() / columns;
  int64_t of_one = rows / mask.dimensions()[0];  // rows of an example
  int64_t runs = mask.dimensions()[0] * ((of_one + kRun - 1) / kRun);
  int64_t parts = std::min(kParts, runs), in_example = (of_one + kRun - 1) / kRun;
  auto add = factor.element_count() ? AddRows<true> : AddRows<false>;
  Memory memory(parts * 2 * columns);
  ParallelFor(pool, parts, [&](int64_t part) {
    float* sum = memory.data() + part * 2 * columns;
    float* product = sum + columns;
    std::fill_n(sum, 2 * columns, 0.f);
    for (int64_t run = part * runs / parts; run < (part + 1) * runs / parts; ++run) {
      int64_t example = run / in_example, first = run % in_example * kRun;
      if (!mask.typed_data()[example]) continue;
      int64_t at = (example * of_one + first) * columns;
      add(std::min(kRun, of_one - first), columns, x.typed_data() + at, y.typed_data() + at,
          factor.typed_data(), shift.typed_data(), sum, product);
    }
  });
  for (int64_t i = 0; i < 2 * columns; ++i) {
    float total = 0;
    for (int64_t part = 0; part < parts; ++part) total += memory.data()[part * 2 * columns + i];
    sums->typed_data()[i] = total;
  }
  return ffi::Error::Success();
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(MedjaxColumnSums, ColumnSums,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<Floats>()
                                  .Arg<Floats>()
                                  .Arg<Mask>()
                                  .Arg<Floats>()
                                  .Arg<Floats>()
                                  .Ret<Floats>());
