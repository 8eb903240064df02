// Products of whole matrices, rows after rows in memory, on the threads of XLA.
//
// What is read again and again is copied first, so that it lies in the cache without gaps: rows that
// are a power of two apart would push each other out. Every sum is taken in an order that depends on
// the shapes alone.

#ifndef MEDJAX_OPS_MATRIX_H_
#define MEDJAX_OPS_MATRIX_H_

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "memory.h"
#include "product.h"
#include "threads.h"

namespace medjax {

constexpr int64_t kTileRows = 8 * kRows;   // rows that a thread works on at a time
constexpr int64_t kDepth = 256;            // of a sum, while what is added up stays in the cache
constexpr int64_t kSumDepth = 128;         // of a sum over rows, likewise
constexpr int64_t kSumRows = 16 * kRows, kSumColumns = 8 * kPanel;  // of its tiles
constexpr int64_t kSumOfOne = 1 << 16;     // numbers of a sum that is one tile
constexpr int64_t kTasks = 16;             // that are enough for every thread to have work
constexpr int64_t kSameSet = 1024;         // numbers between addresses that share a set of the cache

inline int64_t Ceil(int64_t a, int64_t b) { return (a + b - 1) / b; }

// B [steps, columns], element (k, n) at b[k * b_row + n * b_column], in panels with zeros at the end.
struct Panels {
  int64_t steps, columns;
  Memory packed;

  Panels(ffi::ThreadPool& pool, int64_t steps, int64_t columns, const float* b, int64_t b_row,
         int64_t b_column)
      : steps(steps), columns(columns), packed(Ceil(columns, kPanel) * steps * kPanel) {
    ParallelFor(pool, Ceil(columns, kPanel), [&](int64_t panel) {
      int64_t first = panel * kPanel, width = std::min(kPanel, columns - first);
      float* to = packed.data() + first * steps;
      if (width < kPanel) std::fill_n(to, steps * kPanel, 0.f);
      if (b_column == 1) {
        for (int64_t k = 0; k < steps; ++k) std::copy_n(b + k * b_row + first, width, to + k * kPanel);
        return;
      }
      for (int64_t n = 0; n < width; ++n) {
        const float* from = b + (first + n) * b_column;
        for (int64_t k = 0; k < steps; ++k) to[k * kPanel + n] = from[k * b_row];
      }
    });
  }
  const float* at(int64_t column, int64_t step) const {
    return packed.data() + column * steps + step * kPanel;
  }
};

// C [count, columns] = A [count, steps] times B in panels.
inline void TimesPanels(ffi::ThreadPool& pool, int64_t count, const float* a, const Panels& b,
                        float* c) {
  bool copied = b.steps % kSameSet == 0;
  ParallelFor(pool, Ceil(count, kTileRows), [&](int64_t tile) {
    int64_t first = tile * kTileRows, rows = std::min(kTileRows, count - first);
    Memory copy(copied ? kDepth * kTileRows : 0);
    float last[kTileRows * kPanel];  // columns of which only some are there
    for (int64_t k = 0; k < b.steps; k += kDepth) {
      int64_t depth = std::min(kDepth, b.steps - k);
      const float* from = a + first * b.steps + k;
      int64_t row = b.steps, step = 1;
      if (copied) {
        for (int64_t m = 0; m < rows; ++m) {
          for (int64_t i = 0; i < depth; ++i) copy.data()[i * kTileRows + m] = from[m * b.steps + i];
        }
        from = copy.data(), row = 1, step = kTileRows;
      }
      for (int64_t n = 0; n + kPanel <= b.columns; n += kPanel) {
        Multiply({rows, kPanel, depth, 1, from, row, step, 0, b.at(n, k), kPanel,
                  c + first * b.columns + n, b.columns, k > 0});
      }
      if (b.columns % kPanel) {
        Multiply({rows, kPanel, depth, 1, from, row, step, 0,
                  b.at(b.columns - b.columns % kPanel, k), kPanel, last, kPanel, k > 0});
      }
    }
    int64_t width = b.columns % kPanel;
    for (int64_t m = 0; width && m < rows; ++m) {
      std::copy_n(last + m * kPanel, width, c + (first + m + 1) * b.columns - width);
    }
  });
}

inline void Prefetch(const float* from, int64_t count) {
  for (int64_t i = 0; i < count; i += 16) __builtin_prefetch(from + i, 0, 2);
}

// The size of pieces of `whole` that are alike, at most `most` and a multiple of `unit`.
inline int64_t Even(int64_t whole, int64_t most, int64_t unit) {
  return Ceil(Ceil(whole, Ceil(whole, most)), unit) * unit;
}

// C [rows, columns] = the sum over `count` of A [count, rows], transposed, times B [count, columns].
inline void TransposedTimes(ffi::ThreadPool& pool, int64_t count, int64_t rows, int64_t columns,
                            const float* a, const float* b, float* c) {
  bool one = rows * columns <= kSumOfOne;  // A and B are read once
  int64_t tile_rows = one ? rows : Even(rows, kSumRows, kRows);
  int64_t tile_columns = Even(columns, one ? columns : kSumColumns, kPanel);
  int64_t across = Ceil(columns, tile_columns), tiles = Ceil(rows, tile_rows) * across;
  // Where there are few tiles, the sum is taken in parts.
  int64_t runs = std::max<int64_t>(1, Ceil(count, kSumDepth));
  int64_t parts = std::clamp<int64_t>(kTasks / tiles, 1, runs);
  Memory sums(parts > 1 ? parts * rows * columns : 0);
  ParallelFor(pool, tiles * parts, [&](int64_t task) {
    int64_t part = task / tiles, m = task % tiles / across * tile_rows;
    int64_t n = task % across * tile_columns;
    int64_t height = std::min(tile_rows, rows - m), width = std::min(tile_columns, columns - n);
    int64_t left_row = tile_rows + kLanes;  // no power of two
    Memory memory(kSumDepth * (left_row + tile_columns) + tile_rows * tile_columns);
    float *left = memory.data(), *right = left + kSumDepth * left_row;
    float* sum = right + kSumDepth * tile_columns;
    std::memset(right, 0, (kSumDepth + tile_rows) * tile_columns * sizeof(float));
    int64_t end = std::min(count, (part + 1) * runs / parts * kSumDepth);
    for (int64_t k = part * runs / parts * kSumDepth; k < end; k += kSumDepth) {
      int64_t depth = std::min(kSumDepth, end - k);
      for (int64_t i = 0; i < depth; ++i) {
        std::copy_n(a + (k + i) * rows + m, height, left + i * left_row);
        for (int64_t j = 0; j < width; j += kPanel) {
          std::copy_n(b + (k + i) * columns + n + j, std::min(kPanel, width - j),
                      right + j * kSumDepth + i * kPanel);
        }
      }
      for (int64_t j = 0; j < width; j += kPanel) {
        // Of the rows that come next, an equal share is on its way to the cache meanwhile.
        int64_t ahead = std::min(kSumDepth, end - k - depth), next = k + depth;
        for (int64_t i = j * ahead / width; i < std::min(j + kPanel, width) * ahead / width; ++i) {
          Prefetch(a + (next + i) * rows + m, height);
          Prefetch(b + (next + i) * columns + n, width);
        }
        Multiply({height, kPanel, depth, 1, left, 1, left_row, 0, right + j * kSumDepth, kPanel,
                  sum + j, tile_columns, true});
      }
    }
    float* to = (parts > 1 ? sums.data() + part * rows * columns : c) + m * columns + n;
    for (int64_t i = 0; i < height; ++i) {
      std::copy_n(sum + i * tile_columns, width, to + i * columns);
    }
  });
  if (parts == 1) return;
  ParallelFor(pool, rows, [&](int64_t m) {
    for (int64_t n = m * columns; n < (m + 1) * columns; ++n) {
      float total = 0;
      for (int64_t part = 0; part < parts; ++part) total += sums.data()[part * rows * columns + n];
      c[n] = total;
    }
  });
}

}  // namespace medjax

#endif  // MEDJAX_OPS_MATRIX_H_
