// 3x3 convolution with stride 1, alone or with bias, ReLU and 2x2 max pooling, and the gradients.
//
// With many channels the convolution is Winograd's F(4x4, 3x3): 36 products for the 144 of the
// definition (Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016). With
// few, as in an image, it is the definition itself, because the transforms would cost more than they
// save. Where the result is pooled it never reaches main memory: what is convolved is pooled and
// forgotten while it is in the cache.
//
// Every sum is taken in an order that depends on the shapes alone, never on the number of threads, so
// that a result is the same to the bit every time.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "memory.h"
#include "product.h"
#include "threads.h"

namespace {

using medjax::kLanes;
using medjax::kPanel;
using medjax::Load;
using medjax::LooseVec;
using medjax::Memory;
using medjax::Multiply;
using medjax::ParallelFor;
using medjax::Product;
using medjax::Store;
using medjax::Threads;
using medjax::Vec;

constexpr int64_t kParts = 16;               // sums over images that are added up at the end
constexpr int64_t kStrip = 40;               // tiles that a thread works on at a time
constexpr int64_t kShared = 2 << 20;         // numbers that all threads work on at a time
constexpr int64_t kLargePlane = 128 * 128;   // channels times features that do not fit the cache
constexpr int kPositions = 36;               // of a transformed tile
constexpr uint8_t kNone = 4;                 // "winner" of a window whose largest value is not positive

typedef int32_t Ints __attribute__((vector_size(4 * kLanes)));
typedef uint8_t Bytes __attribute__((vector_size(kLanes)));
typedef uint8_t LooseBytes __attribute__((vector_size(kLanes), aligned(1), may_alias));

// The sum of `parts` arrays of `size`, one after the other in `from`.
void AddUp(int64_t parts, int64_t size, const float* from, float* to) {
  std::copy_n(from, size, to);
  for (int64_t part = 1; part < parts; ++part) {
    for (int64_t i = 0; i < size; ++i) to[i] += from[part * size + i];
  }
}

// ----------------------------------------------------------------------------- Winograd's transforms

// One line of each transform; the names are those of Lavin and Gray.
struct InputLine {  // B^T, 6 to 6
  static constexpr int kIn = 6, kOut = 6;
  static void Apply(const Vec* x, Vec* y, int s) {
    y[0] = 4 * x[0] - 5 * x[2] + x[4];
    y[s] = x[3] + x[4] - 4 * (x[1] + x[2]);
    y[2 * s] = x[4] - x[3] + 4 * (x[1] - x[2]);
    y[3 * s] = x[4] - x[2] + 2 * (x[3] - x[1]);
    y[4 * s] = x[4] - x[2] - 2 * (x[3] - x[1]);
    y[5 * s] = 4 * x[1] - 5 * x[3] + x[5];
  }
};
struct InputGradientLine {  // B, 6 to 6
  static constexpr int kIn = 6, kOut = 6;
  static void Apply(const Vec* v, Vec* y, int s) {
    y[0] = 4 * v[0];
    y[s] = 4 * (v[2] - v[1] + v[5]) + 2 * (v[4] - v[3]);
    y[2 * s] = -5 * v[0] - 4 * (v[1] + v[2]) - v[3] - v[4];
    y[3 * s] = v[1] - v[2] + 2 * (v[3] - v[4]) - 5 * v[5];
    y[4 * s] = v[0] + v[1] + v[2] + v[3] + v[4];
    y[5 * s] = v[5];
  }
};
struct OutputLine {  // A^T, 6 to 4
  static constexpr int kIn = 6, kOut = 4;
  static void Apply(const Vec* m, Vec* y, int s) {
    Vec sum12 = m[1] + m[2], gap12 = m[1] - m[2], sum34 = m[3] + m[4], gap34 = m[3] - m[4];
    y[0] = m[0] + sum12 + sum34;
    y[s] = gap12 + 2 * gap34;
    y[2 * s] = sum12 + 4 * sum34;
    y[3 * s] = gap12 + 8 * gap34 + m[5];
  }
};
struct OutputGradientLine {  // A, 4 to 6
  static constexpr int kIn = 4, kOut = 6;
  static void Apply(const Vec* y, Vec* m, int s) {
    Vec even = y[0] + y[2], odd = y[1] + y[3];
    Vec even2 = y[0] + 4 * y[2], odd2 = 2 * y[1] + 8 * y[3];
    m[0] = y[0];
    m[s] = even + odd;
    m[2 * s] = even - odd;
    m[3 * s] = even2 + odd2;
    m[4 * s] = even2 - odd2;
    m[5 * s] = y[3];
  }
};

struct KernelLine {  // G, 3 to 6
  static constexpr int kIn = 3, kOut = 6;
  static void Apply(const Vec* g, Vec* y, int s) {
    Vec outer = (g[0] + g[2]) * (-1 / 6.f), middle = g[1] * (1 / 6.f);
    Vec far = g[0] * (1 / 24.f) + g[2] * (1 / 6.f);
    y[0] = g[0] * (1 / 4.f);
    y[s] = outer - middle;
    y[2 * s] = outer + middle;
    y[3 * s] = far + 0.5f * middle;
    y[4 * s] = far - 0.5f * middle;
    y[5 * s] = g[2];
  }
};
struct KernelGradientLine {  // G^T, 6 to 3
  static constexpr int kIn = 6, kOut = 3;
  static void Apply(const Vec* y, Vec* g, int s) {
    Vec near = (y[1] + y[2]) * (1 / 6.f), far = y[3] + y[4];
    g[0] = y[0] * (1 / 4.f) - near + far * (1 / 24.f);
    g[s] = (y[2] - y[1]) * (1 / 6.f) + (y[3] - y[4]) * (1 / 12.f);
    g[2 * s] = far * (1 / 6.f) - near + y[5];
  }
};

// Both axes of a tile: in [kIn][kIn], out [kOut][kOut], rows first.
template <typename Line>
void Transform(const Vec* in, Vec* out) {
  Vec half[Line::kIn * Line::kOut];  // [column][row of the result]
  for (int j = 0; j < Line::kIn; ++j) {
    Vec column[Line::kIn];
    for (int i = 0; i < Line::kIn; ++i) column[i] = in[i * Line::kIn + j];
    Line::Apply(column, half + j, Line::kIn);
  }
  for (int i = 0; i < Line::kOut; ++i) Line::Apply(half + i * Line::kIn, out + i * Line::kOut, 1);
}

struct Shape {
  int64_t batch, height, width, channels, features;  // of the input, and of the result
  int64_t padding;                                   // zeros around the input
  bool pooled;
  int64_t rows, columns;            // of the result
  int64_t tile_rows, tile_columns;  // tiles of 4x4 convolved pixels; rows in all images

  Shape(const ffi::Buffer<ffi::F32>& x, const ffi::Buffer<ffi::F32>& kernel, int64_t pad, bool pool)
      : batch(x.dimensions()[0]), height(x.dimensions()[1]), width(x.dimensions()[2]),
        channels(x.dimensions()[3]), features(kernel.dimensions()[3]), padding(pad), pooled(pool),
        rows((height + 2 * pad - 2) / (pool ? 2 : 1)), columns((width + 2 * pad - 2) / (pool ? 2 : 1)),
        tile_rows(batch * image_rows()), tile_columns((columns + side() - 1) / side()) {}

  int64_t side() const { return pooled ? 2 : 4; }  // of a tile in the result
  int64_t image_rows() const { return (rows + side() - 1) / side(); }
  bool direct() const { return channels < kLanes; }
  int64_t plane() const { return channels * features; }
  int64_t pixel(int64_t image, int64_t y, int64_t x) const {
    return ((image * height + y) * width + x) * channels;
  }
  int64_t result(int64_t image, int64_t y, int64_t x) const {
    return ((image * rows + y) * columns + x) * features;
  }
  // Numbers that a tile takes, transformed, before and after the product.
  int64_t tile_floats() const { return kPositions * (in_row() + out_row()); }
  // Rows that are a power of two apart would push each other out of the cache.
  int64_t in_row() const { return channels + (channels % 256 ? 0 : kLanes); }
  int64_t out_row() const { return features + (features % 256 ? 0 : kLanes); }
};

// Some rows of tiles, transformed: [36, tiles, C] and [36, tiles, F].
struct Strip {
  const Shape& s;
  int64_t first, last;  // tile rows
  float *input, *output;

  Strip(const Shape& shape, int64_t first, int64_t last, float* memory)
      : s(shape), first(first), last(last), input(memory),
        output(memory + kPositions * tiles() * shape.in_row()) {}
  int64_t tiles() const { return (last - first) * s.tile_columns; }
  float* in(int p, int64_t tile) const { return input + (p * tiles() + tile) * s.in_row(); }
  float* out(int p, int64_t tile) const { return output + (p * tiles() + tile) * s.out_row(); }
};

// A tile: its number in the strip, its image, and where it is there, counted in tiles.
struct Tile {
  int64_t number, image, row, column;
};

template <typename Work>
void ForTiles(const Strip& strip, int64_t row, Work work) {
  const Shape& s = strip.s;
  for (int64_t column = 0; column < s.tile_columns; ++column) {
    work(Tile{(row - strip.first) * s.tile_columns + column, row / s.image_rows(),
              row % s.image_rows(), column});
  }
}

// The part of a tile of 6x6 input pixels that lies inside the image.
struct Window {
  int64_t y, x, top, bottom, left, right;

  Window(const Shape& s, const Tile& t)
      : y(4 * t.row - s.padding), x(4 * t.column - s.padding), top(std::max<int64_t>(0, -y)),
        bottom(std::min<int64_t>(6, s.height - y)), left(std::max<int64_t>(0, -x)),
        right(std::min<int64_t>(6, s.width - x)) {}
  bool holds(int64_t i, int64_t j) const {
    return i >= top && i < bottom && j >= left && j < right;
  }
};

// Numbers of a plane [C, F] in panels.
inline int64_t Packed(int64_t channels, int64_t features) {
  return (features + kPanel - 1) / kPanel * kPanel * channels;
}

// Planes [kIn * kIn, C, F] to [kOut * kOut, C, F], with kPanel > 0 the latter in panels of so many
// columns, one after the other. Some columns of all planes are gathered first, as planes are often a
// power of two apart.
template <typename Line, int64_t kPanel = 0>
void TransformPlanes(ffi::ThreadPool& pool, int64_t channels, int64_t features, const float* in,
                     float* out) {
  int64_t plane = channels * features, out_plane = kPanel ? Packed(channels, features) : plane;
  constexpr int64_t kRun = 8 * kLanes;
  constexpr int kInputs = Line::kIn * Line::kIn, kOutputs = Line::kOut * Line::kOut;
  ParallelFor(pool, (plane + kRun - 1) / kRun, [=](int64_t task) {
    int64_t first = task * kRun, vectors = std::min(kRun, plane - first) / kLanes;
    Vec before[8][kInputs], after[kOutputs][8];
    for (int p = 0; p < kInputs; ++p) {
      for (int64_t i = 0; i < vectors; ++i) {
        before[i][p] = Load(in + p * plane + first + i * kLanes);
      }
    }
    for (int64_t i = 0; i < vectors; ++i) {
      Vec result[kOutputs];
      Transform<Line>(before[i], result);
      for (int p = 0; p < kOutputs; ++p) after[p][i] = result[p];
    }
    int64_t to[8];
    for (int64_t i = 0; i < vectors; ++i) {
      to[i] = first + i * kLanes;
      if constexpr (kPanel > 0) {
        int64_t c = to[i] / features, f = to[i] % features;
        to[i] = f / kPanel * channels * kPanel + c * kPanel + f % kPanel;
      }
    }
    for (int p = 0; p < kOutputs; ++p) {
      for (int64_t i = 0; i < vectors; ++i) Store(out + p * out_plane + to[i], after[p][i]);
    }
  });
}

void TransformInput(const Strip& strip, int64_t row, const float* x) {
  const Shape& s = strip.s;
  ForTiles(strip, row, [&](Tile t) {
    Window window(s, t);
    for (int64_t c = 0; c < s.channels; c += kLanes) {
      Vec in[36], out[36];
      for (int i = 0; i < 6; ++i) {
        for (int j = 0; j < 6; ++j) {
          in[i * 6 + j] = window.holds(i, j)
                              ? Load(x + s.pixel(t.image, window.y + i, window.x + j) + c)
                              : Vec{};
        }
      }
      Transform<InputLine>(in, out);
      for (int p = 0; p < kPositions; ++p) Store(strip.in(p, t.number) + c, out[p]);
    }
  });
}

void AddInputGradient(const Strip& strip, int64_t row, float* dx) {
  const Shape& s = strip.s;
  ForTiles(strip, row, [&](Tile t) {
    Window window(s, t);
    for (int64_t c = 0; c < s.channels; c += kLanes) {
      Vec in[36], out[36];
      for (int p = 0; p < kPositions; ++p) in[p] = Load(strip.in(p, t.number) + c);
      Transform<InputGradientLine>(in, out);
      for (int64_t i = window.top; i < window.bottom; ++i) {
        for (int64_t j = window.left; j < window.right; ++j) {
          float* at = dx + s.pixel(t.image, window.y + i, window.x + j) + c;
          Store(at, Load(at) + out[i * 6 + j]);
        }
      }
    }
  });
}

// ---------------------------------------------------------------------------------- pooling

// The largest of four cells plus bias, where positive, and which it was. NaN goes through.
void Pool(const Vec* cells[4], Vec bias, float* best_out, uint8_t* winner_out) {
  Vec best = *cells[0] + bias;
  Ints winner = {};
  for (int i = 1; i < 4; ++i) {
    Vec cell = *cells[i] + bias;
    Ints wins = ~(cell <= best) & (best == best);
    best = wins ? cell : best;
    winner = wins ? winner * 0 + i : winner;
  }
  Ints off = best <= 0;
  best = off ? Vec{} : best;
  winner = off ? winner * 0 + kNone : winner;
  Store(best_out, best);
  *reinterpret_cast<LooseBytes*>(winner_out) = __builtin_convertvector(winner, Bytes);
}

// What reaches a cell of a pooled window: the gradient where that cell won.
inline Vec Unpool(const float* gradient, const uint8_t* winner, int cell) {
  Ints won = __builtin_convertvector(*reinterpret_cast<const LooseBytes*>(winner), Ints);
  return won == cell ? Load(gradient) : Vec{};
}

// ---------------------------------------------------------------- what follows the convolution

// A tile's 4x4 convolved pixels become its share of the result, and the gradients come back.
struct Result {
  const Shape& s;
  const float* bias;  // where pooled
  float* y;
  uint8_t* winner;  // where pooled

  void Write(const Tile& t, int64_t f, const Vec* convolved) const {
    int64_t top = s.side() * t.row, left = s.side() * t.column;
    for (int64_t i = 0; i < s.side() && top + i < s.rows; ++i) {
      for (int64_t j = 0; j < s.side() && left + j < s.columns; ++j) {
        int64_t to = s.result(t.image, top + i, left + j) + f;
        if (s.pooled) {
          const Vec* corner = convolved + 8 * i + 2 * j;
          const Vec* cells[4] = {corner, corner + 1, corner + 4, corner + 5};
          Pool(cells, Load(bias + f), y + to, winner + to);
        } else {
          Store(y + to, convolved[4 * i + j]);
        }
      }
    }
  }
};

struct Gradient {
  const Shape& s;
  const float* dy;
  const uint8_t* winner;  // where pooled

  void Read(const Tile& t, int64_t f, Vec* convolved) const {
    int64_t top = s.side() * t.row, left = s.side() * t.column;
    for (int64_t i = 0; i < s.side(); ++i) {
      for (int64_t j = 0; j < s.side(); ++j) {
        bool inside = top + i < s.rows && left + j < s.columns;
        int64_t from = inside ? s.result(t.image, top + i, left + j) + f : 0;
        if (s.pooled) {
          for (int cell = 0; cell < 4; ++cell) {
            convolved[8 * i + 2 * j + (cell / 2) * 4 + cell % 2] =
                inside ? Unpool(dy + from, winner + from, cell) : Vec{};
          }
        } else {
          convolved[4 * i + j] = inside ? Load(dy + from) : Vec{};
        }
      }
    }
  }
};

// -------------------------------------------------------------------------- many channels, Winograd

void WinogradForward(ffi::ThreadPool& pool, const Shape& s, const float* x, const float* kernel,
                     const Result& result) {
  int64_t packed = Packed(s.channels, s.features);
  Memory transformed(kPositions * packed);
  TransformPlanes<KernelLine, kPanel>(pool, s.channels, s.features, kernel, transformed.data());
  // Enough tiles for the products to be fast, few enough for the cache, and work for every thread.
  // A large kernel is read anew for every strip: fewer strips.
  int64_t tiles = kStrip * (s.plane() > kLargePlane ? 4 : 1);
  int64_t rows = std::clamp<int64_t>(std::min(tiles / s.tile_columns, s.tile_rows / Threads(pool)),
                                     1, s.tile_rows);
  ParallelFor(pool, (s.tile_rows + rows - 1) / rows, [&](int64_t i) {
    int64_t first = i * rows, last = std::min(first + rows, s.tile_rows);
    Memory memory((last - first) * s.tile_columns * s.tile_floats());
    Strip strip(s, first, last, memory.data());
    for (int64_t row = first; row < last; ++row) TransformInput(strip, row, x);
    for (int p = 0; p < kPositions; ++p) {
      Multiply({strip.tiles(), s.features, s.channels, 1, strip.in(p, 0), s.in_row(), 1, 0,
                transformed.data() + p * packed, kPanel, strip.out(p, 0), s.out_row(), false,
                s.channels * kPanel});
    }
    for (int64_t row = first; row < last; ++row) {
      ForTiles(strip, row, [&](Tile t) {
        for (int64_t f = 0; f < s.features; f += kLanes) {
          Vec in[36], out[16];
          for (int p = 0; p < kPositions; ++p) in[p] = Load(strip.out(p, t.number) + f);
          Transform<OutputLine>(in, out);
          result.Write(t, f, out);
        }
      });
    }
  });
}

// d_bias [F] is null where there is none, and d_kernel where nobody asks for it: then x is not read.
void WinogradBackward(ffi::ThreadPool& pool, const Shape& s, const float* x, const float* kernel,
                      const Gradient& gradient, float* dx, float* d_kernel, float* d_bias) {
  int64_t packed = Packed(s.features, s.channels);
  Memory turned(9 * s.plane()), transformed(kPositions * packed);
  Memory sums(d_kernel ? kPositions * s.plane() : 0);
  ParallelFor(pool, 9 * s.features / kLanes, [&](int64_t task) {
    int64_t k = task % 9, f0 = task / 9 * kLanes;
    for (int64_t c = 0; c < s.channels; ++c) {
      for (int64_t f = f0; f < f0 + kLanes; ++f) {
        turned.data()[k * s.plane() + f * s.channels + c] =
            kernel[k * s.plane() + c * s.features + f];
      }
    }
  });
  TransformPlanes<KernelLine, kPanel>(pool, s.features, s.channels, turned.data(),
                                      transformed.data());
  ParallelFor(pool, s.batch, [&](int64_t image) {
    std::memset(dx + s.pixel(image, 0, 0), 0, s.pixel(1, 0, 0) * sizeof(float));
  });
  int64_t shared = kShared * (s.plane() > kLargePlane ? 2 : 1);
  int64_t rows = std::clamp<int64_t>(shared / (s.tile_columns * s.tile_floats()), 1, s.tile_rows);
  Memory memory(rows * s.tile_columns * s.tile_floats());
  std::vector<float> bias_sums(d_bias ? rows * s.features : 0);
  for (int64_t first = 0; first < s.tile_rows; first += rows) {
    int64_t last = std::min(first + rows, s.tile_rows);
    Strip strip(s, first, last, memory.data());
    ParallelFor(pool, last - first, [&](int64_t i) {
      if (d_kernel) TransformInput(strip, first + i, x);
      ForTiles(strip, first + i, [&](Tile t) {
        for (int64_t f = 0; f < s.features; f += kLanes) {
          Vec in[16], out[36];
          gradient.Read(t, f, in);
          if (d_bias) {
            float* sum = bias_sums.data() + i * s.features + f;
            Vec total = Load(sum);
            for (const Vec& v : in) total += v;
            Store(sum, total);
          }
          Transform<OutputGradientLine>(in, out);
          for (int p = 0; p < kPositions; ++p) Store(strip.out(p, t.number) + f, out[p]);
        }
      });
    });
    ParallelFor(pool, kPositions, [&](int64_t p) {
      if (d_kernel) {
        Multiply({s.channels, s.features, strip.tiles(), 1, strip.in(p, 0), 1, s.in_row(), 0,
                  strip.out(p, 0), s.out_row(), sums.data() + p * s.plane(), s.features, first > 0});
      }
      Multiply({strip.tiles(), s.channels, s.features, 1, strip.out(p, 0), s.out_row(), 1, 0,
                transformed.data() + p * packed, kPanel, strip.in(p, 0), s.in_row(), false,
                s.features * kPanel});
    });
    for (int64_t odd = 0; odd < 2; ++odd) {  // rows next to each other overlap
      ParallelFor(pool, (last - first + 1 - odd) / 2, [&](int64_t i) {
        AddInputGradient(strip, first + 2 * i + odd, dx);
      });
    }
  }
  if (d_kernel) TransformPlanes<KernelGradientLine>(pool, s.channels, s.features, sums.data(), d_kernel);
  if (d_bias) AddUp(rows, s.features, bias_sums.data(), d_bias);
}

// ------------------------------------------------------------------------- few channels, directly

void DirectForward(ffi::ThreadPool& pool, const Shape& s, const float* x, const float* kernel,
                   const Result& result) {
  int64_t lines = s.pooled ? 2 : 1, pixels = lines * s.columns, line = s.width * s.channels;
  ParallelFor(pool, s.batch * s.rows, [=](int64_t task) {
    int64_t image = task / s.rows, row = task % s.rows;
    Memory memory(s.pooled ? lines * pixels * s.features : 0);
    float* to = s.pooled ? memory.data() : result.y + s.result(image, row, 0);
    for (int64_t i = 0; i < lines; ++i) {
      Multiply({pixels, s.features, 3 * s.channels, 3, x + s.pixel(image, lines * row + i, 0),
                s.channels, 1, line, kernel, s.features, to + i * pixels * s.features, s.features,
                false});
    }
    for (int64_t column = 0; s.pooled && column < s.columns; ++column) {
      for (int64_t f = 0; f < s.features; f += kLanes) {
        const float* corner = to + 2 * column * s.features + f;
        Vec values[4] = {Load(corner), Load(corner + s.features),
                         Load(corner + pixels * s.features),
                         Load(corner + (pixels + 1) * s.features)};
        const Vec* cells[4] = {values, values + 1, values + 2, values + 3};
        int64_t at = s.result(image, row, column) + f;
        Pool(cells, Load(result.bias + f), result.y + at, result.winner + at);
      }
    }
  });
}

void DirectBackward(ffi::ThreadPool& pool, const Shape& s, const float* x, const Gradient& gradient,
                    float* d_kernel, float* d_bias) {
  int64_t lines = s.pooled ? 2 : 1, pixels = lines * s.columns;
  int64_t parts = std::min<int64_t>(s.batch, kParts), size = 9 * s.plane();
  std::vector<float> sums(parts * size), bias_sums(d_bias ? parts * s.features : 0);
  auto add_row = [&](int64_t part, int64_t image, int64_t row) {
    const float* spread = gradient.dy + s.result(image, row, 0);
    Memory memory(s.pooled ? lines * pixels * s.features : 0);
    if (s.pooled) {
      spread = memory.data();
      for (int64_t column = 0; column < s.columns; ++column) {
        for (int64_t f = 0; f < s.features; f += kLanes) {
          int64_t from = s.result(image, row, column) + f;
          float* bias_sum = bias_sums.data() + part * s.features + f;
          Vec sum = Load(bias_sum);
          for (int cell = 0; cell < 4; ++cell) {
            Vec v = Unpool(gradient.dy + from, gradient.winner + from, cell);
            Store(memory.data() + ((cell / 2) * pixels + 2 * column + cell % 2) * s.features + f, v);
            sum += v;
          }
          Store(bias_sum, sum);
        }
      }
    }
    for (int64_t i = 0; i < lines; ++i) {
      for (int64_t k = 0; k < 3; ++k) {
        Multiply({3 * s.channels, s.features, pixels, 1,
                  x + s.pixel(image, lines * row + i + k, 0), 1, s.channels, 0,
                  spread + i * pixels * s.features, s.features,
                  sums.data() + part * size + k * 3 * s.plane(), s.features, true});
      }
    }
  };
  ParallelFor(pool, parts, [&](int64_t part) {
    for (int64_t image = part; image < s.batch; image += parts) {
      for (int64_t row = 0; row < s.rows; ++row) add_row(part, image, row);
    }
  });
  AddUp(parts, size, sums.data(), d_kernel);
  if (d_bias) AddUp(parts, s.features, bias_sums.data(), d_bias);
}

// ------------------------------------------------------------------------------------- for XLA

using Floats = ffi::Buffer<ffi::F32>;
using Winners = ffi::Buffer<ffi::U8>;

void Forward(ffi::ThreadPool& pool, const Shape& s, const Floats& x, const Floats& kernel,
             const Result& result) {
  (s.direct() ? DirectForward : WinogradForward)(pool, s, x.typed_data(), kernel.typed_data(),
                                                 result);
}

void Backward(ffi::ThreadPool& pool, const Shape& s, const Floats& x, const Floats& kernel,
              const Gradient& gradient, ffi::Result<Floats>& dx, ffi::Result<Floats>& d_kernel,
              float* d_bias) {
  if (s.direct()) {
    DirectBackward(pool, s, x.typed_data(), gradient, d_kernel->typed_data(), d_bias);
  } else {
    // Empty where nobody asks for them.
    bool wanted = d_kernel->element_count() > 0;
    WinogradBackward(pool, s, x.typed_data(), kernel.typed_data(), gradient, dx->typed_data(),
                     wanted ? d_kernel->typed_data() : nullptr, wanted ? d_bias : nullptr);
  }
}

// x [B, H, W, C], kernel [3, 3, C, F] -> y [B, rows, columns, F]. With few channels x is padded by
// the caller, and its gradient stays empty. With many those of kernel and bias may.
ffi::Error Conv(ffi::ThreadPool pool, Floats x, Floats kernel, ffi::Result<Floats> y,
                int64_t padding) {
  Shape s(x, kernel, padding, false);
  Forward(pool, s, x, kernel, Result{s, nullptr, y->typed_data(), nullptr});
  return ffi::Error::Success();
}

ffi::Error ConvGradient(ffi::ThreadPool pool, Floats x, Floats kernel, Floats dy,
                        ffi::Result<Floats> dx, ffi::Result<Floats> d_kernel, int64_t padding) {
  Shape s(x, kernel, padding, false);
  Backward(pool, s, x, kernel, Gradient{s, dy.typed_data(), nullptr}, dx, d_kernel, nullptr);
  return ffi::Error::Success();
}

// As above with bias [F], and the winner of every pooled window beside y.
ffi::Error ConvPool(ffi::ThreadPool pool, Floats x, Floats kernel, Floats bias,
                    ffi::Result<Floats> y, ffi::Result<Winners> winner, int64_t padding) {
  Shape s(x, kernel, padding, true);
  Forward(pool, s, x, kernel,
          Result{s, bias.typed_data(), y->typed_data(), winner->typed_data()});
  return ffi::Error::Success();
}

ffi::Error ConvPoolGradient(ffi::ThreadPool pool, Floats x, Floats kernel, Winners winner,
                            Floats dy, ffi::Result<Floats> dx, ffi::Result<Floats> d_kernel,
                            ffi::Result<Floats> d_bias, int64_t padding) {
  Shape s(x, kernel, padding, true);
  Backward(pool, s, x, kernel, Gradient{s, dy.typed_data(), winner.typed_data()}, dx, d_kernel,
           d_bias->typed_data());
  return ffi::Error::Success();
}

}  // namespace

extern "C" int MedjaxLanes() { return kLanes; }

XLA_FFI_DEFINE_HANDLER_SYMBOL(MedjaxConv, Conv,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<Floats>()
                                  .Arg<Floats>()
                                  .Ret<Floats>()
                                  .Attr<int64_t>("padding"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(MedjaxConvGradient, ConvGradient,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<Floats>()
                                  .Arg<Floats>()
                                  .Arg<Floats>()
                                  .Ret<Floats>()
                                  .Ret<Floats>()
                                  .Attr<int64_t>("padding"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(MedjaxConvPool, ConvPool,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<Floats>()
                                  .Arg<Floats>()
                                  .Arg<Floats>()
                                  .Ret<Floats>()
                                  .Ret<Winners>()
                                  .Attr<int64_t>("padding"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(MedjaxConvPoolGradient, ConvPoolGradient,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<Floats>()
                                  .Arg<Floats>()
                                  .Arg<Winners>()
                                  .Arg<Floats>()
                                  .Ret<Floats>()
                                  .Ret<Floats>()
                                  .Ret<Floats>()
                                  .Attr<int64_t>("padding"));
