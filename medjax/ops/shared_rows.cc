// Layers over the distinct rows of a batch, as many as there are: see shared_rows.py.
//
// Every sum is taken in an order that depends on the rows alone, never on the number of threads, so
// that a result is the same to the bit every time. Rows from `count` on are neither read nor written.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "matrix.h"
#include "threads.h"

namespace {

using medjax::Ceil;
using medjax::Panels;
using medjax::ParallelFor;
using medjax::TimesPanels;
using medjax::TransposedTimes;
using Floats = ffi::Buffer<ffi::F32>;
using Ints = ffi::Buffer<ffi::S32>;
using Colours = ffi::Buffer<ffi::U32>;

constexpr int64_t kChunk = 120;   // rows that a thread works on at a time
constexpr int64_t kColumns = 64;  // columns that a thread adds up

// x [N, F], kernel [F, G], count -> [N, G].
ffi::Error Product(ffi::ThreadPool pool, Floats x, Floats kernel, Ints count,
                   ffi::Result<Floats> out) {
  int64_t steps = kernel.dimensions()[0], columns = kernel.dimensions()[1];
  Panels panels(pool, steps, columns, kernel.typed_data(), columns, 1);
  TimesPanels(pool, *count.typed_data(), x.typed_data(), panels, out->typed_data());
  return ffi::Error::Success();
}

// The gradients of x and kernel; of those that are empty, none.
ffi::Error ProductGradient(ffi::ThreadPool pool, Floats x, Floats kernel, Ints count, Floats d_out,
                           ffi::Result<Floats> d_x, ffi::Result<Floats> d_kernel) {
  int64_t steps = kernel.dimensions()[0], columns = kernel.dimensions()[1];
  int64_t rows = *count.typed_data();
  if (d_x->element_count() > 0) {
    Panels panels(pool, columns, steps, kernel.typed_data(), 1, columns);
    TimesPanels(pool, rows, d_out.typed_data(), panels, d_x->typed_data());
  }
  if (d_kernel->element_count() > 0) {
    TransposedTimes(pool, rows, steps, columns, x.typed_data(), d_out.typed_data(),
                    d_kernel->typed_data());
  }
  return ffi::Error::Success();
}

// first [P, F], second [Q, F], i and j [N, K], count -> out [N, F]; i is -1 for none.
ffi::Error ReluSum(ffi::ThreadPool pool, Floats first, Floats second, Ints i, Ints j, Ints count,
                   ffi::Result<Floats> out) {
  int64_t width = first.dimensions()[1], terms = i.dimensions()[1], rows = *count.typed_data();
  ParallelFor(pool, Ceil(rows, kChunk), [&](int64_t chunk) {
    for (int64_t n = chunk * kChunk; n < std::min(rows, (chunk + 1) * kChunk); ++n) {
      float* to = out->typed_data() + n * width;
      std::fill_n(to, width, 0.0f);
      for (int64_t k = n * terms; k < (n + 1) * terms; ++k) {
        if (i.typed_data()[k] < 0) continue;
        const float* one = first.typed_data() + i.typed_data()[k] * width;
        const float* other = second.typed_data() + j.typed_data()[k] * width;
        for (int64_t f = 0; f < width; ++f) {
          float sum = one[f] + other[f];
          to[f] += sum < 0 ? 0 : sum;  // not a number stays so
        }
      }
    }
  });
  return ffi::Error::Success();
}

// The gradients of first, of which `so_far` is added, and second, whose counts are given too.
ffi::Error ReluSumGradient(ffi::ThreadPool pool, Floats first, Floats second, Ints i, Ints j,
                           Ints count, Ints first_count, Ints second_count, Floats so_far,
                           Floats d_out, ffi::Result<Floats> d_first,
                           ffi::Result<Floats> d_second) {
  int64_t width = first.dimensions()[1], terms = i.dimensions()[1];
  ParallelFor(pool, Ceil(width, kColumns), [&](int64_t part) {
    int64_t start = part * kColumns, columns = std::min(kColumns, width - start);
    for (int64_t n = 0; n < *first_count.typed_data(); ++n)
      std::copy_n(so_far.typed_data() + n * width + start, columns,
                  d_first->typed_data() + n * width + start);
    for (int64_t n = 0; n < *second_count.typed_data(); ++n)
      std::fill_n(d_second->typed_data() + n * width + start, columns, 0.0f);
    for (int64_t n = 0; n < *count.typed_data(); ++n) {
      const float* gradient = d_out.typed_data() + n * width + start;
      for (int64_t k = n * terms; k < (n + 1) * terms; ++k) {
        if (i.typed_data()[k] < 0) continue;
        int64_t at = i.typed_data()[k] * width + start, and_at = j.typed_data()[k] * width + start;
        const float* one = first.typed_data() + at;
        const float* other = second.typed_data() + and_at;
        float* __restrict to = d_first->typed_data() + at;
        float* __restrict and_to = d_second->typed_data() + and_at;
        for (int64_t f = 0; f < columns; ++f) {
          float reached = one[f] + other[f] > 0 ? gradient[f] : 0;
          to[f] += reached;
          and_to[f] += reached;
        }
      }
    }
  });
  return ffi::Error::Success();
}

// colours [N, 2] -> rows [N], then N; slot [N]; count.
ffi::Error Distinct(Colours colours, ffi::Result<Ints> rows, ffi::Result<Ints> slot,
                    ffi::Result<Ints> count) {
  int64_t size = colours.dimensions()[0], places = 16;
  while (places < 2 * size) places *= 2;
  std::vector<int32_t> table(places, -1);
  int32_t found = 0;
  for (int64_t n = 0; n < size; ++n) {
    const uint32_t* colour = colours.typed_data() + 2 * n;
    int64_t place = colour[0] & (places - 1);
    for (;; place = (place + 1) & (places - 1)) {
      if (table[place] < 0) {
        table[place] = found;
        rows->typed_data()[found++] = n;
        break;
      }
      const uint32_t* other = colours.typed_data() + 2 * rows->typed_data()[table[place]];
      if (other[0] == colour[0] && other[1] == colour[1]) break;
    }
    slot->typed_data()[n] = table[place];
  }
  std::fill(rows->typed_data() + found, rows->typed_data() + size, static_cast<int32_t>(size));
  *count->typed_data() = found;
  return ffi::Error::Success();
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(MedjaxProduct, Product,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<Floats>()
                                  .Arg<Floats>()
                                  .Arg<Ints>()
                                  .Ret<Floats>());

XLA_FFI_DEFINE_HANDLER_SYMBOL(MedjaxProductGradient, ProductGradient,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<Floats>()
                                  .Arg<Floats>()
                                  .Arg<Ints>()
                                  .Arg<Floats>()
                                  .Ret<Floats>()
                                  .Ret<Floats>());

XLA_FFI_DEFINE_HANDLER_SYMBOL(MedjaxReluSum, ReluSum,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<Floats>()
                                  .Arg<Floats>()
                                  .Arg<Ints>()
                                  .Arg<Ints>()
                                  .Arg<Ints>()
                                  .Ret<Floats>());

XLA_FFI_DEFINE_HANDLER_SYMBOL(MedjaxReluSumGradient, ReluSumGradient,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<Floats>()
                                  .Arg<Floats>()
                                  .Arg<Ints>()
                                  .Arg<Ints>()
                                  .Arg<Ints>()
                                  .Arg<Ints>()
                                  .Arg<Ints>()
                                  .Arg<Floats>()
                                  .Arg<Floats>()
                                  .Ret<Floats>()
                                  .Ret<Floats>());

XLA_FFI_DEFINE_HANDLER_SYMBOL(MedjaxDistinct, Distinct,
                              ffi::Ffi::Bind()
                                  .Arg<Colours>()
                                  .Ret<Ints>()
                                  .Ret<Ints>()
                                  .Ret<Ints>());
