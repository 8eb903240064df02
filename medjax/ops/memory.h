// Memory that outlives the calls that use it.

#ifndef MEDJAX_OPS_MEMORY_H_
#define MEDJAX_OPS_MEMORY_H_

#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace medjax {

// Memory for numbers, not cleared, kept for later calls: fresh pages would cost as much as the work.
class Memory {
 public:
  explicit Memory(size_t floats) {
    std::lock_guard<std::mutex> lock(Mutex());
    auto& free = Free();
    auto best = free.end();
    for (auto i = free.begin(); i != free.end(); ++i) {
      bool fits = i->size() >= floats && i->size() <= 2 * floats + (1 << 16);
      if (fits && (best == free.end() || i->size() < best->size())) best = i;
    }
    if (best == free.end()) {
      memory_ = Piece(floats);
    } else {
      memory_ = std::move(*best);
      free.erase(best);
    }
  }
  ~Memory() {
    std::lock_guard<std::mutex> lock(Mutex());
    Free().push_back(std::move(memory_));
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  float* data() const { return memory_.get(); }

 private:
  class Piece {
   public:
    Piece() = default;
    explicit Piece(size_t size) : size_(size), floats_(new (kLine) float[size]) {}
    size_t size() const { return size_; }
    float* get() const { return floats_.get(); }

   private:
    // A line of the cache: a vector across two of them takes two loads.
    static constexpr std::align_val_t kLine{64};
    struct Free {
      void operator()(float* floats) const { operator delete[](floats, kLine); }
    };
    size_t size_ = 0;
    std::unique_ptr<float[], Free> floats_;
  };
  static std::mutex& Mutex() {
    static std::mutex mutex;
    return mutex;
  }
  static std::vector<Piece>& Free() {
    static std::vector<Piece> pieces;
    return pieces;
  }
  Piece memory_;
};

}  // namespace medjax

#endif  // MEDJAX_OPS_MEMORY_H_
