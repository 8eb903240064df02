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
    told = self._decision.told(predicted)
    for risk, survival, median, group in zip(*told.values(), strict=True):
      numbers = [repr(float(value)) for value in (risk, *survival)]
      numbers.append('' if np.isnan(median) else repr(float(median)))
      cells = dict(zip(self.numbers, numbers, strict=True))
      yield cells | {'risk_group': str(group)} if group else None

  def summary(self, rows: Sequence[Row]) -> list[str]:
    """See ``Writer``."""
    unit = f' (times in {self._unit})' if self._unit else ''
    lines = [f'survival_T: probability of no event until T{unit}; {self._decision.reason}']
    cuts = self._decision.risk_cuts
    if cuts:
      parts = ' and '.join(f'{cut:.3f}' for cut in cuts)
      lines.append(f'risk_group: {", ".join(self._decision.group_names)}, parted at risk {parts}')
    return lines


def timed(time: str, unit: str) -> str:
  """A time with its unit, if that is known."""
  return f'{time} {unit}' if unit else time
