"""One framework in a process of its own, timed in blocks when it is told to.

    python -m medjax.bench.worker FRAMEWORK SPEC-AS-JSON

It prints one JSON line when it is ready (versions, device, largest difference of its outputs from
medjax's), then the seconds a step takes, and the GiB of memory
that the process has had at most, for every line with a number of steps that it reads. A step
that is not timed comes first, as threads of another framework may be awake when its turn has ended.
"""

import importlib
import json
import resource
import sys
import time
from typing import Any

# Module of each framework: build(spec) -> (about, step, finish); for networks that see images.
FRAMEWORKS = {
  'medjax': 'medjax.bench.peer_medjax',
  'jit': 'medjax.bench.peer_jit',
  'keras': 'medjax.bench.peer_keras',
  'torch': 'medjax.bench.peer_torch',
  'torch_compile': 'medjax.bench.peer_torch',
  'private': 'medjax.bench.peer_private',
  'opacus': 'medjax.bench.peer_opacus',
  'opacus_ghost': 'medjax.bench.peer_opacus',
}
# For graph networks.
OF_MOLECULES = {
  'medjax': 'medjax.bench.peer_molecules',
  'chemprop': 'medjax.bench.peer_chemprop',
}


def main(framework: str, spec: str) -> None:
  """Answers on standard output until standard input ends."""
  answers = sys.stdout
  sys.stdout = sys.stderr  # whatever a framework prints goes out of the way
  wanted = json.loads(spec)
  modules = OF_MOLECULES if wanted['network'] == 'dmpnn' else FRAMEWORKS
  peer: Any = importlib.import_module(modules[framework])
  about, step, finish = peer.build(wanted, compiled=framework in ('torch_compile', 'opacus_ghost'))
  for _ in range(2):
    step()
  finish()
  print(json.dumps(about), file=answers, flush=True)
  for line in sys.stdin:
    count = int(line)
    step()  # not timed: threads of the one before fall asleep, and memory comes back to the cache
    finish()
    start = time.perf_counter()
    for _ in range(count):
      step()
    finish()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # of the process, GiB
    print((time.perf_counter() - start) / count, peak, file=answers, flush=True)


if __name__ == '__main__':
  main(*sys.argv[1:])
