"""What ``predict`` writes where a case is of one class.

Columns: file, probability (of the positive one of two classes, calibrated) or probability_<class>
for each of more, call (at the threshold chosen on validation, or the most probable class), set (the
conformal set, names joined by ' | '), decision (the class in the set, or 'abstain' where it is not
exactly one) and error. Of a case outside of the applicability domain nothing is decided.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from medjax.evaluation import Decision
from medjax.evaluation.decision import ABSTAIN
from medjax.outcomes.base import Row
from medjax.outcomes.rows import Rows


class ClassRows(Rows):
  """Probabilities, calls, sets and decisions."""

  def __init__(self, decision: Decision, classes: Sequence[str]):
    self._decision, self._classes = decision, tuple(classes)
    two = len(classes) == 2
    self.numbers = ['probability'] if two else [f'probability_{c}' for c in classes]
    self.columns = ['file', *self.numbers, 'call', 'set', 'decision', 'error']
    self.shown = self.columns if two else ['file', 'call', 'set', 'decision', 'error']

  def cells(
    self, predicted: np.ndarray, sizes: Sequence[Mapping[str, int]]
  ) -> Iterator[Row | None]:
    """See ``Rows``."""
    told = self._decision.told(predicted, self._classes)
    for values, call, members, decided in zip(*told.values(), strict=True):
      if not call:
        yield None
        continue
      held = [c for c, inside in zip(self._classes, members, strict=True) if inside]
      numbers = (repr(float(value)) for value in np.atleast_1d(values))
      cells = dict(zip(self.numbers, numbers, strict=True))
      yield cells | {'call': str(call), 'set': ' | '.join(held), 'decision': str(decided)}

  def undecided(self, row: Row) -> Row:
    """See ``Writer``; the set's promise holds for cases like those of validation."""
    return {**row, 'set': '', 'decision': ABSTAIN}

  def summary(self, rows: Sequence[Row]) -> list[str]:
    """See ``Writer``."""
    threshold, lines = self._decision.threshold, []
    if threshold.value is not None:
      lines.append(
        f'probability of {self._classes[1]}, called at {threshold.value:.3f} ({threshold.reason})'
      )
    undecided = sum(row['decision'] == ABSTAIN for row in rows)
    coverage = self._decision.conformal.coverage
    return [*lines, f'undecided at a coverage of {coverage:g}: {undecided}']
