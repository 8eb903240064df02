"""What is told of requests: a line of JSON for each, and counters for Prometheus.

Nothing of what was sent or answered is told: no address, no query, no file name, no number of a
patient; only what was asked for, by which role, how much of it and how long it took.
"""

import json
import sys
import threading
import time
import traceback
from datetime import UTC, datetime
from typing import Any, TextIO

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Watch:
  """The log and the counters of one server.

  Attributes:
    dropped: requests that were in work when the server had to end.

  Args:
    log: where lines go.
    waiting: number of cases that wait.
  """

  def __init__(self, log: TextIO, waiting: Any):
    import prometheus_client as prometheus

    self._log, self._lock = log, threading.Lock()
    self.dropped = 0
    self.registry = prometheus.CollectorRegistry()
    prometheus.ProcessCollector(registry=self.registry)
    self._requests = prometheus.Counter(
      'medjax_requests',
      'Requests by route and status.',
      ['route', 'status'],
      registry=self.registry,
    )
    self._seconds = prometheus.Histogram(
      'medjax_request_seconds', 'Seconds from the first byte of a request to its answer.',
      ['route'], buckets=_SECONDS, registry=self.registry,
    )  # fmt: skip
    self._cases = prometheus.Counter(
      'medjax_cases', 'Cases answered.', ['route'], registry=self.registry
    )
    self._batches = prometheus.Histogram(
      'medjax_batch_cases', 'Cases computed together.',
      buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256), registry=self.registry,
    )  # fmt: skip
    prometheus.Gauge('medjax_waiting_cases', 'Cases in work.', registry=self.registry).set_function(
      waiting
    )

  def metrics(self) -> bytes:
    """All counters in the text format of Prometheus."""
    import prometheus_client as prometheus

    return prometheus.generate_latest(self.registry)

  def batch(self, size: int) -> None:
    """Counts a batch."""
    self._batches.observe(size)

  def request(
    self, *, id: str, method: str, route: str, status: int, began: float, about: dict[str, Any]
  ) -> None:
    """Counts an answered request and writes its line.

    Args:
      id: of the request.
      method: of HTTP.
      route: that it asked for, one of those there are.
      status: of the answer; 499 where nobody waited for one.
      began: ``time.perf_counter()`` then.
      about: 'bytes' in, 'role', 'cases' and size of the 'batch', where they are known.
    """
    seconds = time.perf_counter() - began
    self._requests.labels(route, str(status)).inc()
    self._seconds.labels(route).observe(seconds)
    if status == 200 and about.get('cases'):
      self._cases.labels(route).inc(about['cases'])
    self.line(
      {
        'id': id, 'method': method, 'route': route, 'status': status,
        'ms': round(1000 * seconds, 1), **about,
      }
    )  # fmt: skip

  def failure(self, id: str, error: BaseException) -> None:
    """Writes what failed in this program: the kind of error and where, not what it says.

    Its text may quote what was sent.
    """
    where = [f'{one.filename}:{one.lineno}' for one in traceback.extract_tb(error.__traceback__)]
    self.line({'id': id, 'failure': type(error).__name__, 'where': where[-8:]})

  def line(self, about: dict[str, Any]) -> None:
    """Writes a line with the time."""
    now = datetime.now(UTC).isoformat(timespec='milliseconds')
    text = json.dumps({'time': now, **about})
    with self._lock:
      try:
        self._log.write(f'{text}\n')
        self._log.flush()
      except (OSError, ValueError):  # a full disk keeps nobody from an answer
        if self._log is not sys.stderr:
          print('log: cannot be written', file=sys.stderr)
