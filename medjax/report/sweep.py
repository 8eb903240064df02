"""The runs of a cross-validation, by repeat, seed and fold."""

import contextlib
import dataclasses
from collections.abc import Sequence

import numpy as np

from medjax.errors import UserError
from medjax.workdir import Workdir


@dataclasses.dataclass(frozen=True)
class Sweep:
  """The runs of a cross-validation and how they hang together.

  Attributes:
    runs: folders of evaluated runs, None for one that failed: all folds of the first seed of the
      first repeat first, then those of its second seed.
    repeats: how often all cases were divided into folds.
    seeds: how many networks were trained on each fold.
  """

  runs: Sequence[Workdir | None]
  repeats: int = 1
  seeds: int = 1

  @property
  def done(self) -> list[Workdir]:
    """The runs that did not fail."""
    return [run for run in self.runs if run is not None]

  def grid(self, values: Sequence[float | None]) -> np.ndarray:
    """Values of the runs that are done as [repeats, seeds, folds], NaN where there is none."""
    given = iter(values)
    of_runs = [None if run is None else next(given) for run in self.runs]
    return np.array(of_runs, float).reshape(self.repeats, self.seeds, -1)

  def ratio(self) -> float:
    """Cases that a run tests for each that it is trained on; 0 where that is not known."""
    counts = []
    for run in self.done:
      with contextlib.suppress(UserError):  # said in the page of that run
        counts.append(run.read(run.data).get('splits', {}))
    tested = sum(of.get('test', {}).get('examples', 0) for of in counts)
    trained = sum(of.get('train', {}).get('examples', 0) for of in counts)
    return tested / trained if trained else 0.0
