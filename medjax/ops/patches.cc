// Patches of images side by side, for a product with a kernel, and the way back.
//
// A row of a patch is a piece of a row of the image. On the way back every row of an image adds up the
// pieces that were taken from it, in an order that depends on the shapes alone.

#include <algorithm>
#include <cstdint>

#include "threads.h"

namespace {

using medjax::ParallelFor;
using Floats = ffi::Buffer<ffi::F32>;

struct Shape {
  int64_t height, width, channels;  // of an image
  int64_t rows, columns, size;      // patches of an image, and the numbers of a patch
  int64_t high, wide;               // a patch in pixels
  int64_t down, right, top, left;   // pixels from patch to patch, and of padding before the first

  // Calls work(begin, count, at) for the piece of a row of an image that a patch of this column holds:
  // its first pixel, how many there are, and the place of the first in a row of the patch.
  template <typename Work>
  void Piece(int64_t column, Work work) const {
    int64_t begin = column * right - left, first = std::clamp<int64_t>(-begin, 0, wide);
    int64_t count = std::min(wide, width - begin) - first;
    work(begin + first, std::max<int64_t>(0, count), first);
  }
};

Shape ShapeOf(const Floats& x, const Floats& patches, int64_t high, int64_t wide, int64_t down,
              int64_t right, int64_t top, int64_t left) {
  auto size = x.dimensions(), to = patches.dimensions();
  return {size[1], size[2], size[3], to[1], to[2], to[3], high, wide, down, right, top, left};
}

// x [B, H, W, C] -> patches [B, rows, columns, high * wide * C], zero where there is padding.
ffi::Error Patches(ffi::ThreadPool pool, Floats x, ffi::Result<Floats> patches, int64_t high,
                   int64_t wide, int64_t down, int64_t right, int64_t top, int64_t left) {
  Shape s = ShapeOf(x, *patches, high, wide, down, right, top, left);
  int64_t batch = x.dimensions()[0], line = s.wide * s.channels;
  ParallelFor(pool, batch * s.rows, [&](int64_t row) {
    const float* image = x.typed_data() + row / s.rows * s.height * s.width * s.channels;
    float* to = patches->typed_data() + row * s.columns * s.size;
    for (int64_t column = 0; column < s.columns; ++column) {
      for (int64_t k = 0; k < s.high; ++k, to += line) {
        int64_t y = row % s.rows * s.down - s.top + k;
        if (y < 0 || y >= s.height) {
          std::fill_n(to, line, 0.f);
          continue;
        }
        s.Piece(column, [&](int64_t begin, int64_t count, int64_t at) {
          std::fill_n(to, at * s.channels, 0.f);
          std::copy_n(image + (y * s.width + begin) * s.channels, count * s.channels,
                      to + at * s.channels);
          std::fill_n(to + (at + count) * s.channels, (s.wide - at - count) * s.channels, 0.f);
        });
      }
    }
  });
  return ffi::Error::Success();
}

// The gradient of x from that of the patches.
ffi::Error PatchesGradient(ffi::ThreadPool pool, Floats d_patches, ffi::Result<Floats> dx,
                           int64_t high, int64_t wide, int64_t down, int64_t right, int64_t top,
                           int64_t left) {
  Shape s = ShapeOf(*dx, d_patches, high, wide, down, right, top, left);
  int64_t batch = dx->dimensions()[0], line = s.wide * s.channels;
  ParallelFor(pool, batch * s.height, [&](int64_t task) {
    int64_t image = task / s.height, y = task % s.height;
    float* to = dx->typed_data() + task * s.width * s.channels;
    std::fill_n(to, s.width * s.channels, 0.f);
    for (int64_t k = 0; k < s.high; ++k) {
      int64_t below = y + s.top - k, row = below / s.down;
      if (below < 0 || below % s.down || row >= s.rows) continue;
      const float* from = d_patches.typed_data() + (image * s.rows + row) * s.columns * s.size;
      for (int64_t column = 0; column < s.columns; ++column, from += s.size) {
        s.Piece(column, [&](int64_t begin, int64_t count, int64_t at) {
          float* sum = to + begin * s.channels;
          const float* piece = from + k * line + at * s.channels;
          for (int64_t i = 0; i < count * s.channels; ++i) sum[i] += piece[i];
        });
      }
    }
  });
  return ffi::Error::Success();
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(MedjaxPatches, Patches,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<Floats>()
                                  .Ret<Floats>()
                                  .Attr<int64_t>("high")
                                  .Attr<int64_t>("wide")
                                  .Attr<int64_t>("down")
                                  .Attr<int64_t>("right")
                                  .Attr<int64_t>("top")
                                  .Attr<int64_t>("left"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(MedjaxPatchesGradient, PatchesGradient,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<Floats>()
                                  .Ret<Floats>()
                                  .Attr<int64_t>("high")
                                  .Attr<int64_t>("wide")
                                  .Attr<int64_t>("down")
                                  .Attr<int64_t>("right")
                                  .Attr<int64_t>("top")
                                  .Attr<int64_t>("left"));
