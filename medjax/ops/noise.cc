// Gaussian noise added to numbers in one pass over memory.
//
// Random bits are those of the stream cipher ChaCha with 12 rounds (Bernstein 2008), so that noise
// that is known of some numbers tells nothing of that of others; pairs of them become normal numbers
// by the transform of Box and Muller (1958). The stream of a number depends on its place alone, never
// on the number of threads.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "threads.h"

namespace {

using Floats = ffi::Buffer<ffi::F32>;
using Words = ffi::Buffer<ffi::U32>;

constexpr int kLanes = 16;                // blocks of the cipher side by side
constexpr int kWords = 16;                // of a block
constexpr int kBatch = kLanes * kWords;   // numbers made at a time
constexpr int64_t kChunk = 256 * kBatch;  // numbers that a thread works on at a time
constexpr int kRounds = 12;

inline uint32_t Rotate(uint32_t x, int by) { return (x << by) | (x >> (32 - by)); }

inline void Quarter(uint32_t* a, uint32_t* b, uint32_t* c, uint32_t* d) {
#pragma GCC ivdep
  for (int i = 0; i < kLanes; ++i) {
    uint32_t w = a[i], x = b[i], y = c[i], z = d[i];
    w += x, z = Rotate(z ^ w, 16);
    y += z, x = Rotate(x ^ y, 12);
    w += x, z = Rotate(z ^ w, 8);
    y += z, x = Rotate(x ^ y, 7);
    a[i] = w, b[i] = x, c[i] = y, d[i] = z;
  }
}

// Sixteen blocks of the stream of a key, the first of them number `first`.
void Stream(const uint32_t* key, int64_t first, uint32_t out[kWords][kLanes]) {
  static const uint32_t kConstant[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  uint32_t start[kWords][kLanes];
  for (int i = 0; i < kLanes; ++i) {
    uint64_t number = static_cast<uint64_t>(first) + i;
    for (int j = 0; j < 4; ++j) start[j][i] = kConstant[j];
    for (int j = 0; j < 8; ++j) start[4 + j][i] = key[j];
    start[12][i] = static_cast<uint32_t>(number);
    start[13][i] = static_cast<uint32_t>(number >> 32);
    start[14][i] = start[15][i] = 0;
  }
  std::memcpy(out, start, sizeof(start));
  for (int round = 0; round < kRounds; round += 2) {
    for (int i = 0; i < 4; ++i) Quarter(out[i], out[4 + i], out[8 + i], out[12 + i]);
    for (int i = 0; i < 4; ++i) {
      Quarter(out[i], out[4 + (i + 1) % 4], out[8 + (i + 2) % 4], out[12 + (i + 3) % 4]);
    }
  }
  for (int j = 0; j < kWords; ++j) {
    for (int i = 0; i < kLanes; ++i) out[j][i] += start[j][i];
  }
}

// Natural logarithm of numbers in (0, 1]; error below 1e-7 of it (Moshier's Cephes library).
inline float Log(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  uint32_t shifted = bits - 0x3f3504f3;  // of the root of a half
  float exponent = static_cast<float>(static_cast<int32_t>(shifted) >> 23);
  bits = (shifted & 0x007fffff) + 0x3f3504f3;
  float m;
  std::memcpy(&m, &bits, 4);
  m -= 1.0f;
  float p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  float square = m * m;
  return m + (p * m * square - 0.5f * square) + exponent * 0.69314718056f;
}

// Normal numbers of two rows of random words.
inline void Normal(const uint32_t* radius, const uint32_t* angle, float* one, float* other) {
#pragma GCC ivdep
  for (int i = 0; i < kLanes; ++i) {
    // At most 6.7 standard deviations: 31 bits, and never zero.
    float u = (static_cast<float>(static_cast<int32_t>(radius[i] >> 1)) + 0.5f) * 0x1p-31f;
    float r = std::sqrt(-2.0f * Log(std::min(u, 1.0f)));
    // Two bits are a quarter of the circle, the others a place in it, from -pi/4 to pi/4.
    float t = static_cast<float>(static_cast<int32_t>(angle[i] << 2)) * (0.78539816340f * 0x1p-31f);
    float t2 = t * t;
    float sine = t * (1 + t2 * (-1.0f / 6 + t2 * (1.0f / 120 + t2 * (-1.0f / 5040))));
    float cosine = 1 + t2 * (-0.5f + t2 * (1.0f / 24 + t2 * (-1.0f / 720 + t2 * (1.0f / 40320))));
    uint32_t quarter = angle[i] >> 30;
    float a = quarter & 1 ? sine : cosine, b = quarter & 1 ? cosine : sine;
    float sign = quarter & 2 ? -r : r;
    one[i] = sign * a;
    other[i] = sign * b;
  }
}

void Numbers(const uint32_t* key, int64_t batch, float* out) {
  uint32_t words[kWords][kLanes];
  Stream(key, batch * kLanes, words);
  for (int j = 0; j < kWords / 2; ++j) {
    Normal(words[j], words[kWords / 2 + j], out + 2 * j * kLanes, out + (2 * j + 1) * kLanes);
  }
}

// key: 8 words; settings: the noise's standard deviation, and what the sum is multiplied by.
ffi::Error Noise(ffi::ThreadPool pool, Floats numbers, Words key, Floats settings,
                 ffi::Result<Floats> noised) {
  const float *from = numbers.typed_data(), *given = settings.typed_data();
  const float deviation = given[0], scale = given[1];
  float* to = noised->typed_data();
  int64_t size = numbers.element_count();
  medjax::ParallelFor(pool, (size + kChunk - 1) / kChunk, [&](int64_t chunk) {
    float normal[kBatch];
    int64_t end = std::min(size, (chunk + 1) * kChunk);
    for (int64_t first = chunk * kChunk; first < end; first += kBatch) {
      Numbers(key.typed_data(), first / kBatch, normal);
      int64_t count = std::min<int64_t>(kBatch, end - first);
      for (int64_t i = 0; i < count; ++i) {
        to[first + i] = (from[first + i] + deviation * normal[i]) * scale;
      }
    }
  });
  return ffi::Error::Success();
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(
    MedjaxNoise, Noise,
    ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Arg<Floats>().Arg<Words>().Arg<Floats>().Ret<Floats>());
