// Adam's update in one pass over memory, with the sums of squares of gradient and update.
//
// XLA writes several arrays between the gradient and the new parameters. Here every number is read
// once and written once (Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015;
// weight decay as in Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019).
//
// Sums are taken chunk by chunk in an order that depends on the size alone, never on the number of
// threads, so that a result is the same to the bit every time.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "threads.h"

namespace {

using Floats = ffi::Buffer<ffi::F32>;

constexpr int64_t kChunk = 1 << 16;  // numbers that a thread works on at a time
constexpr int64_t kBlock = 1 << 9;   // numbers whose squares are added up as floats, then as doubles
constexpr int kLanes = 16;           // sums side by side, so that the compiler takes vectors

struct Settings {
  float rate, epsilon, decay, gradient_scale;
  // Shares of the old and the new number in each mean, and what takes out that it began at zero.
  float keep_mean, new_mean, mean_scale, keep_square, new_square, square_scale;
};

struct Arrays {
  const float *gradient, *params, *mean, *square;
  float *new_params, *new_mean, *new_square;
};

// One number: its new values, and the squares of gradient and update added to the sums.
inline void Update(const Settings& s, const Arrays& a, int64_t i, float* of_gradient,
                   float* of_update) {
  float g = a.gradient[i];
  *of_gradient += g * g;
  g *= s.gradient_scale;
  float mean = s.keep_mean * a.mean[i] + s.new_mean * g;
  float square = s.keep_square * a.square[i] + s.new_square * (g * g);
  float direction = mean * s.mean_scale / (std::sqrt(square * s.square_scale) + s.epsilon);
  float update = -s.rate * (direction + s.decay * a.params[i]);
  a.new_mean[i] = mean;
  a.new_square[i] = square;
  a.new_params[i] = a.params[i] + update;
  *of_update += update * update;
}

void Block(const Settings& s, const Arrays& a, int64_t first, int64_t last, double* sums) {
  float of_gradient[kLanes] = {}, of_update[kLanes] = {};
  int64_t i = first;
  for (; i + kLanes <= last; i += kLanes) {
#pragma GCC ivdep
    for (int lane = 0; lane < kLanes; ++lane) {
      Update(s, a, i + lane, of_gradient + lane, of_update + lane);
    }
  }
  for (; i < last; ++i) Update(s, a, i, of_gradient, of_update);
  for (int lane = 0; lane < kLanes; ++lane) {
    sums[0] += of_gradient[lane];
    sums[1] += of_update[lane];
  }
}

// settings: the numbers of Settings; sums: squares of the gradient, and of the update.
ffi::Error Adam(ffi::ThreadPool pool, Floats params, Floats mean, Floats square, Floats gradient,
                Floats settings, ffi::Result<Floats> new_params, ffi::Result<Floats> new_mean,
                ffi::Result<Floats> new_square, ffi::Result<Floats> sums) {
  const float* given = settings.typed_data();
  const Settings s{given[0], given[1], given[2], given[3], given[4],
                   given[5], given[6], given[7], given[8], given[9]};
  const Arrays a{gradient.typed_data(),    params.typed_data(),   mean.typed_data(),
                 square.typed_data(),      new_params->typed_data(), new_mean->typed_data(),
                 new_square->typed_data()};
  int64_t size = params.element_count(), chunks = (size + kChunk - 1) / kChunk;
  std::vector<double> parts(2 * chunks);
  medjax::ParallelFor(pool, chunks, [&](int64_t chunk) {
    int64_t end = std::min(size, (chunk + 1) * kChunk);
    for (int64_t i = chunk * kChunk; i < end; i += kBlock) {
      Block(s, a, i, std::min(end, i + kBlock), parts.data() + 2 * chunk);
    }
  });
  double total[2] = {};
  for (int64_t i = 0; i < 2 * chunks; ++i) total[i % 2] += parts[i];
  sums->typed_data()[0] = static_cast<float>(total[0]);
  sums->typed_data()[1] = static_cast<float>(total[1]);
  return ffi::Error::Success();
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(MedjaxAdam, Adam,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<Floats>()
                                  .Arg<Floats>()
                                  .Arg<Floats>()
                                  .Arg<Floats>()
                                  .Arg<Floats>()
                                  .Ret<Floats>()
                                  .Ret<Floats>()
                                  .Ret<Floats>()
                                  .Ret<Floats>());
