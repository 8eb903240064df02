// 3x3 convolution, bias, ReLU and 2x2 max pooling in one pass over the image, and its gradient.
//
// What lies between the convolution and the pooled result never reaches main memory: a strip of the
// image is convolved, pooled and forgotten while it is in the cache. From 16 channels on, the
// convolution is Winograd's F(4x4, 3x3): 36 products for the 144 of the definition (Lavin and Gray,
// "Fast algorithms for convolutional neural networks", CVPR 2016). With up to 4 channels, as in an
// image, it is the definition itself, because the transforms would cost more than they save.
//
// Every sum is taken in an order that depends on the shapes alone, never on the number of threads, so
// that a result is the same to the bit every time.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;

namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif
constexpr int kRows = kLanes == 8 ? 6 : 12;  // of a block of a product: what the registers hold
constexpr int kMaxParts = 16;                // sums over images that are added up at the end
constexpr int kPositions = 36;               // of a transformed tile
constexpr uint8_t kNone = 4;                 // "winner" of a window whose largest value is not positive

typedef float Vec __attribute__((vector_size(4 * kLanes)));
typedef float LooseVec __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));
typedef int32_t Ints __attribute__((vector_size(4 * kLanes)));
typedef uint8_t Bytes __attribute__((vector_size(kLanes)));
typedef uint8_t LooseBytes __attribute__((vector_size(kLanes), aligned(1), may_alias));

inline Vec Load(const float* p) { return *reinterpret_cast<const LooseVec*>(p); }
inline void Store(float* p, Vec v) { *reinterpret_cast<LooseVec*>(p) = v; }

// Calls work(0), ..., work(count - 1) on the threads of XLA. The caller works too and waits only for
// calls that have begun, so that a pool whose threads are all waiting cannot stop it.
void ParallelFor(ffi::ThreadPool& pool, int64_t count, std::function<void(int64_t)> work) {
  struct Shared {
    std::function<void(int64_t)> work;
    std::atomic<int64_t> next{0}, done{0};
  };
  auto shared = std::make_shared<Shared>();
  shared->work = std::move(work);
  auto drain = [shared, count] {
    for (int64_t i; (i = shared->next.fetch_add(1)) < count;) {
      shared->work(i);
      shared->done.fetch_add(1);
    }
  };
  int64_t threads = std::min<int64_t>(
      {count, pool.num_threads(), static_cast<int64_t>(std::thread::hardware_concurrency())});
  for (int64_t i = 1; i < threads; ++i) pool.Schedule(std::function<void()>(drain));
  drain();
  while (shared->done.load() < count) std::this_thread::yield();
}

// Memory that a thread keeps between calls.
float* Buffer(size_t floats) {
  thread_local std::vector<float> memory;
  if (memory.size() < floats + kLanes) memory.resize(floats + kLanes);
  auto address = reinterpret_cast<uintptr_t>(memory.data());
  return reinterpret_cast<float*>((address + 63) / 64 * 64);
}

// ------------------------------------------------------------------------------------- products

// A [rows, steps], element (m, k) at a[m * a_row + k * a_step] and further `segments` of steps
// `a_segment` apart; B [segments * steps, columns] with rows b_row apart; C = or += A B.
struct Product {
  int64_t rows, columns, steps, segments;
  const float* a;
  int64_t a_row, a_step, a_segment;
  const float* b;
  int64_t b_row;
  float* c;
  int64_t c_row;
  bool add;
};

template <int kM, int kN>
void Block(const Product& p, int64_t m0, int64_t n0) {
  Vec sum[kM][kN];
#pragma GCC unroll 12
  for (int m = 0; m < kM; ++m)
#pragma GCC unroll 2
    for (int n = 0; n < kN; ++n) sum[m][n] = Vec{};
  const float* b = p.b + n0;
  for (int64_t s = 0; s < p.segments; ++s) {
    const float* a = p.a + s * p.a_segment + m0 * p.a_row;
    for (int64_t k = 0; k < p.steps; ++k, b += p.b_row, a += p.a_step) {
      Vec right[kN];
#pragma GCC unroll 2
      for (int n = 0; n < kN; ++n) right[n] = Load(b + n * kLanes);
#pragma GCC unroll 12
      for (int m = 0; m < kM; ++m) {
        Vec left = Vec{} + a[m * p.a_row];
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

void Multiply(const Product& p) {
  int64_t n = 0;
  for (; n + 2 * kLanes <= p.columns; n += 2 * kLanes) Columns<2>(p, n);
  if (n < p.columns) Columns<1>(p, n);
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

constexpr float kKernelTransform[6][3] = {{1 / 4.f, 0, 0},
                                          {-1 / 6.f, -1 / 6.f, -1 / 6.f},
                                          {-1 / 6.f, 1 / 6.f, -1 / 6.f},
                                          {1 / 24.f, 1 / 12.f, 1 / 6.f},
                                          {1 / 24.f, -1 / 12.f, 1 / 6.f},
                                          {0, 0, 1}};

struct Shape {
  int64_t batch, height, width, channels, features;  // of the input, and of the result
  int64_t rows, columns;                             // pooled
  int64_t tile_rows, tile_columns;                   // tiles of 2x2 pooled values
  int64_t strip;                                     // tile rows that are worked on at a time
  int64_t strips;

  Shape(int64_t b, int64_t h, int64_t w, int64_t c, int64_t f)
      : batch(b), height(h), width(w), channels(c), features(f), rows((h - 2) / 2),
        columns((w - 2) / 2), tile_rows((rows + 1) / 2), tile_columns((columns + 1) / 2),
        strip(std::min(tile_rows, std::max<int64_t>(1, 40 / tile_columns))),
        strips((tile_rows + strip - 1) / strip) {}
  int64_t tiles() const { return strip * tile_columns; }
  int64_t pixel(int64_t image, int64_t y, int64_t x) const {
    return ((image * height + y) * width + x) * channels;
  }
  int64_t pooled(int64_t image, int64_t y, int64_t x) const {
    return ((image * rows + y) * columns + x) * features;
  }
};

// Kernel [3, 3, C, F] to [36, C, F], or to [36, F, C].
void TransformKernel(const Shape& s, const float* kernel, float* out, bool turned) {
  int64_t plane = s.channels * s.features;
  for (int i = 0; i < 6; ++i) {
    for (int j = 0; j < 6; ++j) {
      float* to = out + (i * 6 + j) * plane;
      for (int64_t c = 0; c < s.channels; ++c) {
        for (int64_t f = 0; f < s.features; ++f) {
          float sum = 0;
          for (int k = 0; k < 3; ++k) {
            for (int l = 0; l < 3; ++l) {
              sum += kKernelTransform[i][k] * kKernelTransform[j][l] *
                     kernel[(k * 3 + l) * plane + c * s.features + f];
            }
          }
          to[turned ? f * s.channels + c : c * s.features + f] = sum;
        }
      }
    }
  }
}

// Calls tile(t, row, column) for the tiles of a strip; row and column count tiles.
template <typename F>
void ForTiles(const Shape& s, int64_t strip, F tile) {
  int64_t first = strip * s.strip, last = std::min(first + s.strip, s.tile_rows), t = 0;
  for (int64_t row = first; row < last; ++row) {
    for (int64_t column = 0; column < s.tile_columns; ++column) tile(t++, row, column);
  }
}

int64_t TilesIn(const Shape& s, int64_t strip) {
  return (std::min((strip + 1) * s.strip, s.tile_rows) - strip * s.strip) * s.tile_columns;
}

// Input of a strip to [36, tiles, C].
void TransformInput(const Shape& s, const float* x, int64_t image, int64_t strip, float* out) {
  int64_t plane = s.tiles() * s.channels;
  ForTiles(s, strip, [&](int64_t t, int64_t row, int64_t column) {
    int64_t height = std::min<int64_t>(6, s.height - 4 * row);
    int64_t width = std::min<int64_t>(6, s.width - 4 * column);
    const float* from = x + s.pixel(image, 4 * row, 4 * column);
    for (int64_t c = 0; c < s.channels; c += kLanes) {
      Vec in[36], transformed[36];
      for (int i = 0; i < 6; ++i) {
        for (int j = 0; j < 6; ++j) {
          in[i * 6 + j] = i < height && j < width
                              ? Load(from + (i * s.width + j) * s.channels + c)
                              : Vec{};
        }
      }
      Transform<InputLine>(in, transformed);
      for (int p = 0; p < 36; ++p) Store(out + p * plane + t * s.channels + c, transformed[p]);
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

// -------------------------------------------------------------------------- many channels, Winograd

void ForwardStrip(const Shape& s, const float* x, const float* kernel, const float* bias,
                  int64_t image, int64_t strip, float* y, uint8_t* winner) {
  int64_t tiles = s.tiles(), count = TilesIn(s, strip);
  float* input = Buffer(kPositions * tiles * (s.channels + s.features));
  float* output = input + kPositions * tiles * s.channels;
  TransformInput(s, x, image, strip, input);
  for (int p = 0; p < kPositions; ++p) {
    Multiply({count, s.features, s.channels, 1,
              input + p * tiles * s.channels, s.channels, 1, 0,
              kernel + p * s.channels * s.features, s.features,
              output + p * tiles * s.features, s.features, false});
  }
  ForTiles(s, strip, [&](int64_t t, int64_t row, int64_t column) {
    for (int64_t f = 0; f < s.features; f += kLanes) {
      Vec in[36], out[16];
      for (int p = 0; p < 36; ++p) in[p] = Load(output + (p * tiles + t) * s.features + f);
      Transform<OutputLine>(in, out);
      for (int i = 0; i < 2 && 2 * row + i < s.rows; ++i) {
        for (int j = 0; j < 2 && 2 * column + j < s.columns; ++j) {
          const Vec* corner = out + 8 * i + 2 * j;
          const Vec* cells[4] = {corner, corner + 1, corner + 4, corner + 5};
          int64_t to = s.pooled(image, 2 * row + i, 2 * column + j) + f;
          Pool(cells, Load(bias + f), y + to, winner + to);
        }
      }
    }
  });
}

// Adds a strip's share to the gradients of the transformed kernel [36, C, F], bias and input.
void BackwardStrip(const Shape& s, const float* x, const float* turned, const uint8_t* winner,
                   const float* gradient, int64_t image, int64_t strip, float* d_kernel,
                   float* d_bias, float* dx) {
  int64_t tiles = s.tiles(), count = TilesIn(s, strip);
  float* input = Buffer(kPositions * tiles * (s.channels + s.features));
  float* output = input + kPositions * tiles * s.channels;
  TransformInput(s, x, image, strip, input);
  ForTiles(s, strip, [&](int64_t t, int64_t row, int64_t column) {
    for (int64_t f = 0; f < s.features; f += kLanes) {
      Vec in[16], out[36], sum = Load(d_bias + f);
      for (int i = 0; i < 2; ++i) {
        for (int j = 0; j < 2; ++j) {
          bool inside = 2 * row + i < s.rows && 2 * column + j < s.columns;
          int64_t from = inside ? s.pooled(image, 2 * row + i, 2 * column + j) + f : 0;
          for (int cell = 0; cell < 4; ++cell) {
            Vec v = inside ? Unpool(gradient + from, winner + from, cell) : Vec{};
            in[8 * i + 2 * j + (cell / 2) * 4 + cell % 2] = v;
            sum += v;
          }
        }
      }
      Store(d_bias + f, sum);
      Transform<OutputGradientLine>(in, out);
      for (int p = 0; p < 36; ++p) Store(output + (p * tiles + t) * s.features + f, out[p]);
    }
  });
  for (int p = 0; p < kPositions; ++p) {
    float* in = input + p * tiles * s.channels;
    const float* out = output + p * tiles * s.features;
    Multiply({s.channels, s.features, count, 1, in, 1, s.channels, 0, out, s.features,
              d_kernel + p * s.channels * s.features, s.features, true});
    Multiply({count, s.channels, s.features, 1, out, s.features, 1, 0,
              turned + p * s.channels * s.features, s.channels, in, s.channels, false});
  }
  ForTiles(s, strip, [&](int64_t t, int64_t row, int64_t column) {
    int64_t height = std::min<int64_t>(6, s.height - 4 * row);
    int64_t width = std::min<int64_t>(6, s.width - 4 * column);
    float* to = dx + s.pixel(image, 4 * row, 4 * column);
    for (int64_t c = 0; c < s.channels; c += kLanes) {
      Vec in[36], out[36];
      for (int p = 0; p < 36; ++p) in[p] = Load(input + (p * tiles + t) * s.channels + c);
      Transform<InputGradientLine>(in, out);
      for (int i = 0; i < height; ++i) {
        for (int j = 0; j < width; ++j) {
          float* at = to + (i * s.width + j) * s.channels + c;
          Store(at, Load(at) + out[i * 6 + j]);
        }
      }
    }
  });
}

// ------------------------------------------------------------------------- few channels, directly

void ForwardRow(const Shape& s, const float* x, const float* kernel, const float* bias,
                int64_t image, int64_t row, float* y, uint8_t* winner) {
  int64_t pixels = 2 * s.columns, line = s.width * s.channels;
  float* convolved = Buffer(2 * pixels * s.features);
  for (int i = 0; i < 2; ++i) {
    Multiply({pixels, s.features, 3 * s.channels, 3,
              x + s.pixel(image, 2 * row + i, 0), s.channels, 1, line, kernel, s.features,
              convolved + i * pixels * s.features, s.features, false});
  }
  for (int64_t column = 0; column < s.columns; ++column) {
    for (int64_t f = 0; f < s.features; f += kLanes) {
      const float* corner = convolved + 2 * column * s.features + f;
      Vec values[4] = {Load(corner), Load(corner + s.features),
                       Load(corner + pixels * s.features),
                       Load(corner + (pixels + 1) * s.features)};
      const Vec* cells[4] = {values, values + 1, values + 2, values + 3};
      int64_t to = s.pooled(image, row, column) + f;
      Pool(cells, Load(bias + f), y + to, winner + to);
    }
  }
}

// Adds a pooled row's share to the gradients of the kernel [3, 3, C, F] and the bias.
void BackwardRow(const Shape& s, const float* x, const uint8_t* winner, const float* gradient,
                 int64_t image, int64_t row, float* d_kernel, float* d_bias) {
  int64_t pixels = 2 * s.columns, line = s.width * s.channels;
  float* spread = Buffer(2 * pixels * s.features);
  for (int64_t column = 0; column < s.columns; ++column) {
    for (int64_t f = 0; f < s.features; f += kLanes) {
      int64_t from = s.pooled(image, row, column) + f;
      Vec sum = Load(d_bias + f);
      for (int cell = 0; cell < 4; ++cell) {
        Vec v = Unpool(gradient + from, winner + from, cell);
        Store(spread + ((cell / 2) * pixels + 2 * column + cell % 2) * s.features + f, v);
        sum += v;
      }
      Store(d_bias + f, sum);
    }
  }
  for (int i = 0; i < 2; ++i) {
    for (int k = 0; k < 3; ++k) {
      Multiply({3 * s.channels, s.features, pixels, 1,
                x + s.pixel(image, 2 * row + i + k, 0), 1, s.channels, line,
                spread + i * pixels * s.features, s.features,
                d_kernel + k * 3 * s.channels * s.features, s.features, true});
    }
  }
}

// ------------------------------------------------------------------------------------- for XLA

using Floats = ffi::Buffer<ffi::F32>;
using Winners = ffi::Buffer<ffi::U8>;

Shape ShapeOf(const Floats& x, const Floats& kernel) {
  auto d = x.dimensions();
  return Shape(d[0], d[1], d[2], d[3], kernel.dimensions()[3]);
}

// x [B, H, W, C], kernel [3, 3, C, F], bias [F] -> pooled [B, (H-2)/2, (W-2)/2, F], winner the same
ffi::Error Forward(ffi::ThreadPool pool, Floats x, Floats kernel, Floats bias,
                   ffi::Result<Floats> y, ffi::Result<Winners> winner) {
  Shape s = ShapeOf(x, kernel);
  const float *in = x.typed_data(), *weights = kernel.typed_data(), *offset = bias.typed_data();
  float* out = y->typed_data();
  uint8_t* won = winner->typed_data();
  if (s.channels < kLanes) {
    ParallelFor(pool, s.batch * s.rows, [=](int64_t i) {
      ForwardRow(s, in, weights, offset, i / s.rows, i % s.rows, out, won);
    });
  } else {
    std::vector<float> transformed(kPositions * s.channels * s.features);
    TransformKernel(s, weights, transformed.data(), false);
    ParallelFor(pool, s.batch * s.strips, [&](int64_t i) {
      ForwardStrip(s, in, transformed.data(), offset, i / s.strips, i % s.strips, out, won);
    });
  }
  return ffi::Error::Success();
}

// As above with winner and the gradient of pooled -> gradients of x (empty with few channels), kernel
// and bias.
ffi::Error Backward(ffi::ThreadPool pool, Floats x, Floats kernel, Winners winner, Floats gradient,
                    ffi::Result<Floats> dx, ffi::Result<Floats> d_kernel,
                    ffi::Result<Floats> d_bias) {
  Shape s = ShapeOf(x, kernel);
  const float *in = x.typed_data(), *weights = kernel.typed_data(), *from = gradient.typed_data();
  const uint8_t* won = winner.typed_data();
  float *to = dx->typed_data(), *to_kernel = d_kernel->typed_data();
  bool direct = s.channels < kLanes;
  int64_t plane = s.channels * s.features, size = (direct ? 9 : kPositions) * plane;
  int64_t parts = std::min<int64_t>(s.batch, kMaxParts);
  std::vector<float> sums(parts * size), bias_sums(parts * s.features), turned;
  if (!direct) {
    turned.resize(kPositions * plane);
    TransformKernel(s, weights, turned.data(), true);
  }
  ParallelFor(pool, parts, [&](int64_t part) {
    float *kernel_sum = sums.data() + part * size;
    float *bias_sum = bias_sums.data() + part * s.features;
    for (int64_t image = part; image < s.batch; image += parts) {
      if (direct) {
        for (int64_t row = 0; row < s.rows; ++row) {
          BackwardRow(s, in, won, from, image, row, kernel_sum, bias_sum);
        }
      } else {
        std::memset(to + s.pixel(image, 0, 0), 0, s.pixel(1, 0, 0) * sizeof(float));
        for (int64_t strip = 0; strip < s.strips; ++strip) {
          BackwardStrip(s, in, turned.data(), won, from, image, strip, kernel_sum, bias_sum, to);
        }
      }
    }
  });
  ParallelFor(pool, size / plane, [&](int64_t p) {
    for (int64_t part = 1; part < parts; ++part) {
      for (int64_t i = p * plane; i < (p + 1) * plane; ++i) sums[i] += sums[part * size + i];
    }
  });
  for (int64_t f = 0; f < s.features; ++f) {
    float sum = 0;
    for (int64_t part = 0; part < parts; ++part) sum += bias_sums[part * s.features + f];
    d_bias->typed_data()[f] = sum;
  }
  if (direct) {
    std::copy_n(sums.data(), size, to_kernel);
    return ffi::Error::Success();
  }
  ParallelFor(pool, 9, [&](int64_t position) {
    int64_t k = position / 3, l = position % 3;
    float* out = to_kernel + position * plane;
    std::fill_n(out, plane, 0.f);
    for (int p = 0; p < kPositions; ++p) {
      float factor = kKernelTransform[p / 6][k] * kKernelTransform[p % 6][l];
      if (factor == 0) continue;
      for (int64_t i = 0; i < plane; ++i) out[i] += factor * sums[p * plane + i];
    }
  });
  return ffi::Error::Success();
}

}  // namespace

extern "C" int MedjaxLanes() { return kLanes; }

XLA_FFI_DEFINE_HANDLER_SYMBOL(MedjaxConvPool, Forward,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<Floats>()
                                  .Arg<Floats>()
                                  .Arg<Floats>()
                                  .Ret<Floats>()
                                  .Ret<Winners>());

XLA_FFI_DEFINE_HANDLER_SYMBOL(MedjaxConvPoolGradient, Backward,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<Floats>()
                                  .Arg<Floats>()
                                  .Arg<Winners>()
                                  .Arg<Floats>()
                                  .Ret<Floats>()
                                  .Ret<Floats>()
                                  .Ret<Floats>());
