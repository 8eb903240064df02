// Convolution of images with few channels by a kernel of any size and stride, and its gradient.
//
// The pixels of an image lie side by side, so a row of a patch is a piece of a row of the image, and
// the patches of a row of results are such pieces at steps of the stride: a matrix that is in memory
// already, without a copy. Every sum is taken in an order that depends on the shapes alone.

#include <algorithm>
#include <cstdint>

#include "memory.h"
#include "product.h"
#include "threads.h"

namespace {

using medjax::Memory;
using medjax::Multiply;
using medjax::ParallelFor;
using Floats = ffi::Buffer<ffi::F32>;

constexpr int64_t kParts = 16;  // sums over rows of results that are added up at the end
constexpr int64_t kLines = 4;   // rows of results that stay in the cache

struct Shape {
  int64_t batch, rows, columns, features;  // of the result
  int64_t high, wide;                      // the kernel; the latter times the channels
  int64_t line, image;                     // numbers of a row, and of an image
  int64_t down, right;                     // numbers between patches

  Shape(const Floats& x, const Floats& kernel, const Floats& y, int64_t stride_rows,
        int64_t stride_columns) {
    auto size = x.dimensions(), result = y.dimensions(), window = kernel.dimensions();
    batch = result[0], rows = result[1], columns = result[2], features = result[3];
    high = window[0], wide = window[1] * size[3];
    line = size[2] * size[3], image = size[1] * line;
    down = stride_rows * line, right = stride_columns * size[3];
  }
};

// x [B, H, W, C] with its padding, kernel [h, w, C, F] -> y [B, rows, columns, F].
ffi::Error FewChannels(ffi::ThreadPool pool, Floats x, Floats kernel, ffi::Result<Floats> y,
                       int64_t stride_rows, int64_t stride_columns) {
  Shape s(x, kernel, *y, stride_rows, stride_columns);
  ParallelFor(pool, s.batch * s.rows, [&](int64_t row) {
    const float* from = x.typed_data() + row / s.rows * s.image + row % s.rows * s.down;
    float* to = y->typed_data() + row * s.columns * s.features;
    Multiply({s.columns, s.features, s.wide, s.high, from, s.right, 1, s.line, kernel.typed_data(),
              s.features, to, s.features, false});
  });
  return ffi::Error::Success();
}

// The gradient of the kernel, from x and that of y.
ffi::Error FewChannelsGradient(ffi::ThreadPool pool, Floats x, Floats dy,
                               ffi::Result<Floats> d_kernel, int64_t stride_rows,
                               int64_t stride_columns) {
  Shape s(x, *d_kernel, dy, stride_rows, stride_columns);
  int64_t blocks = (s.rows + kLines - 1) / kLines, size = d_kernel->element_count();
  int64_t parts = std::min(kParts, s.batch * blocks);
  Memory sums(parts * size);
  ParallelFor(pool, parts, [&](int64_t part) {
    float* sum = sums.data() + part * size;
    std::fill_n(sum, size, 0.f);
    int64_t end = (part + 1) * s.batch * blocks / parts;
    for (int64_t block = part * s.batch * blocks / parts; block < end; ++block) {
      int64_t image = block / blocks, first = block % blocks * kLines;
      int64_t lines = std::min(kLines, s.rows - first);
      const float* from = x.typed_data() + image * s.image + first * s.down;
      const float* dy_lines = dy.typed_data() + (image * s.rows + first) * s.columns * s.features;
      for (int64_t k = 0; k < s.high; ++k) {
        Multiply({s.wide, s.features, s.columns, lines, from + k * s.line, 1, s.right, s.down,
                  dy_lines, s.features, sum + k * s.wide * s.features, s.features, true});
      }
    }
  });
  for (int64_t i = 0; i < size; ++i) {
    float total = 0;
    for (int64_t part = 0; part < parts; ++part) total += sums.data()[part * size + i];
    d_kernel->typed_data()[i] = total;
  }
  return ffi::Error::Success();
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(MedjaxFewChannels, FewChannels,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<Floats>()
                                  .Arg<Floats>()
                                  .Ret<Floats>()
                                  .Attr<int64_t>("stride_rows")
                                  .Attr<int64_t>("stride_columns"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(MedjaxFewChannelsGradient, FewChannelsGradient,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<Floats>()
                                  .Arg<Floats>()
                                  .Ret<Floats>()
                                  .Attr<int64_t>("stride_rows")
                                  .Attr<int64_t>("stride_columns"));
