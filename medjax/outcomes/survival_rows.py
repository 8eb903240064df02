"""What ``predict`` writes of survival; see ``survival``."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from medjax.evaluation import SurvivalDecision
from medjax.evaluation.survival import horizon_name
from medjax.outcomes.base import Row
from medjax.outcomes.rows import Rows


class SurvivalRows(Rows):
  """Risk, survival at horizons, the median, and the group of risk."""

  def __init__(self, decision: SurvivalDecision, unit: str):
    self._decision, self._unit = decision, unit
    survival = [f'survival_{horizon_name(horizon)}' for horizon in decision.horizons]
    self.numbers = ['risk', *survival, 'median_survival']
    self.columns = ['file', *self.numbers, 'risk_group', 'error']
    self.shown = self.columns

  def cells(
    self, predicted: np.ndarray, sizes: Sequence[Mapping[str, int]]
  ) -> Iterator[Row | None]:
    """See ``Rows``."""
    columns = np.asarray(predicted, np.float64).reshape(len(predicted), -1)
    finite = np.asarray(np.isfinite(columns).all(axis=1))
    risk, at_ends = parted(np.where(finite[:, None], columns, 0))
    decision = self._decision
    survival, median = decision.survival(risk, at_ends), decision.median(risk, at_ends)
    groups = decision.groups(risk)
    for row, known in enumerate(finite):
      numbers = [repr(float(value)) for value in (risk[row], *survival[row])]
      numbers.append('' if np.isnan(median[row]) else repr(float(median[row])))
      cells = dict(zip(self.numbers, numbers, strict=True))
      yield cells | {'risk_group': decision.group_names[groups[row]]} if known else None

  def summary(self, rows: Sequence[Row]) -> list[str]:
    """See ``Writer``."""
    unit = f' (times in {self._unit})' if self._unit else ''
    lines = [f'survival_T: probability of no event until T{unit}; {self._decision.reason}']
    cuts = self._decision.risk_cuts
    if cuts:
      parts = ' and '.join(f'{cut:.3f}' for cut in cuts)
      lines.append(f'risk_group: {", ".join(self._decision.group_names)}, parted at risk {parts}')
    return lines


def parted(predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Risk [N] and survival at the ends of intervals [N, K], of [N] (K is 0) or [N, 1 + K]."""
  columns = np.asarray(predicted, np.float64).reshape(len(predicted), -1)
  return columns[:, 0], columns[:, 1:]


def timed(time: str, unit: str) -> str:
  """A time with its unit, if that is known."""
  return f'{time} {unit}' if unit else time
