"""Updates over a plan of batches, as compiled calls: one for each streamed batch, several at once
for examples that lie on the device.

A network that an accelerator finishes in less than a millisecond would wait for Python between its
steps. With resident examples nothing has to come from the host, so one call gathers and does as
many updates as take about ``_SECONDS``. How many they are is a number that the compiled program is
given, and it does the same arithmetic for any: parameters do not depend on it. A CPU does one at a
time: inside a loop XLA convolves there with one core, and a step takes longer than Python anyway.
"""

import functools
import time
from collections.abc import Callable, Iterator

import jax
import numpy as np

from medjax import runtime
from medjax.config import Config
from medjax.data import feed
from medjax.data.dataset import Batch
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.training import budget, parallel
from medjax.training.state import State

_SECONDS = 0.2  # of one call: metrics, the progress bar and SIGTERM wait for its end
_MOST = 64  # updates of one call
_HOSTS = 8  # the same with several hosts, whose clocks would not agree

Result = tuple[State, dict[str, jax.Array]]


def loops() -> bool:
  """Whether resident examples are trained on by several updates a call."""
  return jax.default_backend() != 'cpu'


class Updates:
  """The updates of one training run.

  Args:
    experiment: what to train.
    config: batch size, feeding and the like.
    devices: devices of all hosts.

  Example:
    >>> updates = Updates(experiment, config, devices)             # doctest: +SKIP
    >>> for count, call in updates(plan):
    ...   state, metrics = call(state)
  """

  def __init__(self, experiment: Experiment, config: Config, devices: runtime.Devices):
    split = experiment.data.splits['train']
    if devices.shards > 1:
      if config.feeding == 'resident':
        raise UserError(
          'config.feeding=resident: the memory of the devices is for the state, which is cut in '
          'parts; expected auto or streamed'
        )
      self.feed: feed.Streamed | feed.Resident = feed.Streamed(split, devices)
    else:
      self.feed = feed.make(split, devices, config.feeding, config.resident_gib)
    # Batches of several widths cannot share one compiled call.
    one_width = not split.sizes
    self._several = isinstance(self.feed, feed.Resident) and one_width and loops()
    compiled = parallel.compile_train_resident if self._several else parallel.compile_train
    self._step = compiled(experiment, devices, config.precision, config.accumulate)
    self._of = experiment, config
    self._key = budget.key(experiment, config)
    self._at_once, self._last = 1, 0.0

  def __call__(
    self, plan: np.ndarray, room: Callable[[], int] = lambda: _MOST
  ) -> Iterator[tuple[int, Callable[[State], Result]]]:
    """How many updates each call does, and the call, which takes the state's memory over.

    A call's metrics are scalars, or arrays of which the first ones count.

    Args:
      plan: rows of example numbers; see ``feed.batches``.
      room: how many updates there may be before the run wants its state; asked before each call.
    """
    if not (self._several and isinstance(self.feed, feed.Resident)):
      for batch in self.feed(plan):
        yield 1, functools.partial(self._on_batch, batch)
      return
    rows = self.feed.rows(plan)
    done = 0
    while done < len(plan):
      count = min(self._at_once, room(), len(plan) - done)
      padded = np.full((len(rows), _MOST, rows.shape[2]), -1, np.int32)
      padded[:, :count] = rows[:, done : done + count]
      yield count, functools.partial(self._on_rows, self.feed.examples, padded, count)
      done += count

  def draw_anew(self) -> None:
    """Draws the noise of private updates from another key than before."""
    self._key = budget.key(*self._of)

  def took(self, count: int) -> None:
    """Notes that ``count`` updates have just ended, to choose how many the next call does."""
    last, self._last = self._last, time.monotonic()
    if jax.process_count() > 1:
      self._at_once = min(_HOSTS, _MOST)
    elif last:  # not the first, which compiles
      wanted = _SECONDS * count / max(self._last - last, 1e-6)
      self._at_once = max(1, min(_MOST, int(wanted)))

  def _on_batch(self, batch: Batch, state: State) -> Result:
    return self._step(state, batch, self._key)

  def _on_rows(self, examples: Batch, rows: np.ndarray, count: int, state: State) -> Result:
    return self._step(state, examples, rows, count, self._key)
