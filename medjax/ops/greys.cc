// Greys of 16 bits as 8 bits, in one pass over memory, on the thread that asks.
//
// Plain C functions, called by ctypes: what reads files knows nothing of XLA. Numbers are unsigned and
// wrap, so that `origin` makes those with a sign count from the smallest.

#include <algorithm>
#include <cstdint>

extern "C" {

// out = table[number - origin].
void MedjaxGreysByTable(const uint16_t* number, int64_t size, uint16_t origin, const uint8_t* table,
                        uint8_t* out) {
  for (int64_t i = 0; i < size; ++i) out[i] = table[static_cast<uint16_t>(number[i] - origin)];
}

// out = (start + step * place) >> 24, where place is that of number - origin between low and high,
// counted from low.
void MedjaxGreysByLine(const uint16_t* number, int64_t size, uint16_t origin, uint16_t low,
                       uint16_t high, uint32_t start, uint32_t step, uint8_t* out) {
  for (int64_t i = 0; i < size; ++i) {
    uint16_t found = number[i] - origin;
    uint16_t place = std::min(std::max(found, low), high) - low;
    out[i] = (start + step * place) >> 24;
  }
}
}
