// Work shared among the threads of XLA.

#ifndef MEDJAX_OPS_THREADS_H_
#define MEDJAX_OPS_THREADS_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;

namespace medjax {

inline int64_t Threads(ffi::ThreadPool& pool) {
  int64_t cores = std::thread::hardware_concurrency();
  return std::max<int64_t>(1, std::min(pool.num_threads(), cores));
}

// Calls work(0), ..., work(count - 1) on the threads of XLA. The caller works too and waits only for
// calls that have begun, so that a pool whose threads are all waiting cannot stop it.
inline void ParallelFor(ffi::ThreadPool& pool, int64_t count, std::function<void(int64_t)> work) {
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
  for (int64_t i = 1; i < std::min(count, Threads(pool)); ++i) pool.Schedule(std::function<void()>(drain));
  drain();
  while (shared->done.load() < count) std::this_thread::yield();
}

}  // namespace medjax

#endif  // MEDJAX_OPS_THREADS_H_
