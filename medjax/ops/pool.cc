// Max pooling of 3x3 pixels at every second one, and its gradient, in one pass over memory each.

#include <algorithm>
#include <cstdint>

#include "product.h"
#include "threads.h"

namespace {

using medjax::kLanes;
using medjax::Load;
using medjax::ParallelFor;
using medjax::Store;
using medjax::Vec;
using Floats = ffi::Buffer<ffi::F32>;
using Bytes = ffi::Buffer<ffi::U8>;

typedef int32_t Numbers __attribute__((vector_size(4 * kLanes)));
typedef uint8_t Cells __attribute__((vector_size(kLanes), aligned(1), may_alias));

// The number of a cell, 0 to 8 in row order, in all lanes: that of a pixel in a window.
inline Numbers Cell(int64_t i, int64_t row, int64_t j, int64_t column) {
  return Numbers{} + static_cast<int32_t>(3 * (i - 2 * row + 1) + j - 2 * column + 1);
}

// x [B, H, W, C] -> the largest of each window and which of its cells that was, [B, R, Q, C]. Beyond
// the edges is nothing; of cells that are equal the first wins, and what is not a number stays so.
ffi::Error MaxPool(ffi::ThreadPool pool, Floats x, ffi::Result<Floats> best,
                   ffi::Result<Bytes> winner) {
  int64_t height = x.dimensions()[1], width = x.dimensions()[2], channels = x.dimensions()[3];
  int64_t rows = best->dimensions()[1], columns = best->dimensions()[2];
  ParallelFor(pool, x.dimensions()[0] * rows, [&](int64_t line) {
    int64_t row = line % rows, top = std::max<int64_t>(0, 2 * row - 1);
    int64_t bottom = std::min(height, 2 * row + 2);
    const float* image = x.typed_data() + line / rows * height * width * channels;
    for (int64_t column = 0; column < columns; ++column) {
      int64_t left = std::max<int64_t>(0, 2 * column - 1), right = std::min(width, 2 * column + 2);
      int64_t at = (line * columns + column) * channels;
      for (int64_t f = 0; f < channels; f += kLanes) {
        Vec largest = Load(image + (top * width + left) * channels + f);
        Numbers which = Cell(top, row, left, column);
        for (int64_t i = top; i < bottom; ++i) {
          for (int64_t j = left; j < right; ++j) {
            Vec cell = Load(image + (i * width + j) * channels + f);
            which = cell > largest ? Cell(i, row, j, column) : which;
            largest = (cell > largest) | (cell != cell) ? cell : largest;
          }
        }
        Store(best->typed_data() + at + f, largest);
        *reinterpret_cast<Cells*>(winner->typed_data() + at + f) =
            __builtin_convertvector(which, Cells);
      }
    }
  });
  return ffi::Error::Success();
}

// What the windows give each pixel that won in them: d_best and winner [B, R, Q, C] -> [B, H, W, C].
ffi::Error MaxPoolGradient(ffi::ThreadPool pool, Bytes winner, Floats d_best,
                           ffi::Result<Floats> d_x) {
  int64_t height = d_x->dimensions()[1], width = d_x->dimensions()[2];
  int64_t rows = d_best.dimensions()[1], columns = d_best.dimensions()[2];
  int64_t channels = d_best.dimensions()[3];
  ParallelFor(pool, d_x->dimensions()[0] * height, [&](int64_t line) {
    // An even row is the middle one of its window; an odd one the last of one and the first of the
    // next.
    int64_t row = line % height, first = line / height * rows;
    int64_t below = std::min(rows, (row + 1) / 2 + 1);
    for (int64_t column = 0; column < width; ++column) {
      int64_t beside = std::min(columns, (column + 1) / 2 + 1);
      float* to = d_x->typed_data() + (line * width + column) * channels;
      for (int64_t f = 0; f < channels; f += kLanes) {
        Vec sum{};
        for (int64_t r = row / 2; r < below; ++r) {
          for (int64_t q = column / 2; q < beside; ++q) {
            int64_t at = ((first + r) * columns + q) * channels + f;
            auto won = *reinterpret_cast<const Cells*>(winner.typed_data() + at);
            Numbers number = __builtin_convertvector(won, Numbers);
            Vec given = Load(d_best.typed_data() + at);
            sum += number == Cell(row, r, column, q) ? given : Vec{};
          }
        }
        Store(to + f, sum);
      }
    }
  });
  return ffi::Error::Success();
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(MedjaxMaxPool, MaxPool,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<Floats>()
                                  .Ret<Floats>()
                                  .Ret<Bytes>());

XLA_FFI_DEFINE_HANDLER_SYMBOL(MedjaxMaxPoolGradient, MaxPoolGradient,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<Bytes>()
                                  .Arg<Floats>()
                                  .Ret<Floats>());
