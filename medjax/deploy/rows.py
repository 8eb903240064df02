"""What is written of each new case: columns and cells, for classes, numbers and positions.

Classes: file, probability (of the positive one of two classes, calibrated) or probability_<class>
for each of more, call (at the threshold chosen on validation, or the most probable class), set (the
conformal set, names joined by ' | '), decision (the class in the set, or 'abstain' where it is not
exactly one) and error.

Several classes at once: file, probability_<class> of each by itself, calibrated, call (the classes
called, each at its own threshold, joined by ' | ') and error.

Numbers: file, prediction, low and high (the ends of the conformal interval, empty where it is
infinite) and error.

States at positions: file, length, states (a letter at each position), confidence (a digit at each),
expected (the share of right positions, from how often each digit was right on validation; empty
where a digit did not occur there) and error.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from medjax.evaluation import Confidence, Decision, Interval, LabelDecisions
from medjax.evaluation.decision import ABSTAIN
from medjax.evaluation.positions import spelled
from medjax.evaluation.table import by_class
from medjax.report import chain_plots

Row = dict[str, str]

# What new cases are called, by the kind of data.
WHAT = {
  'images': 'image files',
  'table': 'rows',
  'sequences': 'sequences',
  'signals': 'signals',
  'residues': 'chains',
}


class Writer(Protocol):
  """Turns predictions into rows.

  Attributes:
    columns: of the CSV.
    shown: those of them that the terminal shows.
    numbers: those of them that hold numbers; a class may be called '1', too.
  """

  columns: list[str]
  shown: list[str]
  numbers: list[str]

  def rows(self, names: Sequence[str], predicted: Any) -> list[Row]:
    """Rows of predictions [N] or [N, C], or of as many [L, C]."""

  def empty(self, name: str, error: str) -> Row:
    """The row of a case without a prediction."""

  def summary(self, rows: Sequence[Row]) -> list[str]:
    """Lines for the terminal."""

  def page(self, rows: Sequence[Row]) -> str:
    """An HTML page that draws the rows; '' for none."""


def writer(decision: Any, classes: Sequence[str]) -> Writer:
  """The writer for what a task decides by."""
  if isinstance(decision, Confidence):
    return OfPositions(decision)
  if isinstance(decision, Interval):
    return OfNumbers(decision)
  if isinstance(decision, LabelDecisions):
    return OfLabels(decision)
  return OfClasses(decision, classes)


def shorten(cell: str) -> str:
  """A number, or nothing, for the terminal: to three digits."""
  return cell and f'{float(cell):.3f}'


class OfClasses:
  """Probabilities, calls, sets and decisions."""

  def __init__(self, decision: Decision, classes: Sequence[str]):
    self._decision, self._classes = decision, tuple(classes)
    two = len(classes) == 2
    self.numbers = ['probability'] if two else [f'probability_{c}' for c in classes]
    self.columns = ['file', *self.numbers, 'call', 'set', 'decision', 'error']
    self.shown = self.columns if two else ['file', 'call', 'set', 'decision', 'error']

  def rows(self, names: Sequence[str], predicted: np.ndarray) -> list[Row]:
    """See ``Writer``."""
    probability = self._decision.calibration.apply(predicted)
    calls, sets = self._decision.calls(probability), self._decision.conformal.sets(predicted)
    found = []
    for name, values, call, members in zip(names, by_class(probability), calls, sets, strict=True):
      if not np.isfinite(values).all():
        found.append(self.empty(name, 'the network gives no number for this file'))
        continue
      held = [c for c, inside in zip(self._classes, members, strict=True) if inside]
      shown = values[1:] if len(self._classes) == 2 else values
      found.append(
        {
          'file': name,
          **{column: repr(float(v)) for column, v in zip(self.numbers, shown, strict=True)},
          'call': self._classes[int(call)],
          'set': ' | '.join(held),
          'decision': held[0] if len(held) == 1 else ABSTAIN,
          'error': '',
        }
      )
    return found

  def empty(self, name: str, error: str) -> Row:
    """See ``Writer``."""
    return {**dict.fromkeys(self.columns, ''), 'file': name, 'error': error}

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

  def page(self, rows: Sequence[Row]) -> str:
    """See ``Writer``."""
    return ''


class OfLabels:
  """Probabilities of classes of which a case may have several, and those that are called."""

  def __init__(self, decisions: LabelDecisions):
    self._decisions = decisions
    self.numbers = [f'probability_{name}' for name in decisions.classes]
    self.columns = ['file', *self.numbers, 'call', 'error']
    self.shown = ['file', 'call', 'error']

  def rows(self, names: Sequence[str], predicted: np.ndarray) -> list[Row]:
    """See ``Writer``."""
    probability = self._decisions.apply(predicted)
    calls = self._decisions.calls(probability)
    found = []
    for name, values, called in zip(names, probability, calls, strict=True):
      if not np.isfinite(values).all():
        found.append(self.empty(name, 'the network gives no number for this file'))
        continue
      held = [c for c, yes in zip(self._decisions.classes, called, strict=True) if yes]
      cells = [repr(float(value)) for value in values]
      row = {'file': name, **dict(zip(self.numbers, cells, strict=True))}
      found.append(row | {'call': ' | '.join(held), 'error': ''})
    return found

  def empty(self, name: str, error: str) -> Row:
    """See ``Writer``."""
    return {**dict.fromkeys(self.columns, ''), 'file': name, 'error': error}

  def summary(self, rows: Sequence[Row]) -> list[str]:
    """See ``Writer``."""
    none = sum(not row['call'] and not row['error'] for row in rows)
    return [f'of no class: {none}']

  def page(self, rows: Sequence[Row]) -> str:
    """See ``Writer``."""
    return ''


class OfNumbers:
  """Numbers with the interval that holds the truth as often as asked for."""

  def __init__(self, interval: Interval):
    self._interval = interval
    self.columns = self.shown = ['file', 'prediction', 'low', 'high', 'error']
    self.numbers = ['prediction', 'low', 'high']

  def rows(self, names: Sequence[str], predicted: np.ndarray) -> list[Row]:
    """See ``Writer``."""
    found = []
    for name, value in zip(names, predicted.astype(np.float64).tolist(), strict=True):
      if not np.isfinite(value):
        found.append(self.empty(name, 'the network gives no number for this file'))
        continue
      width = self._interval.half_width
      ends = [repr(value - width), repr(value + width)] if np.isfinite(width) else ['', '']
      cells = [name, repr(value), *ends, '']
      found.append(dict(zip(self.columns, cells, strict=True)))
    return found

  def empty(self, name: str, error: str) -> Row:
    """See ``Writer``."""
    return {**dict.fromkeys(self.columns, ''), 'file': name, 'error': error}

  def summary(self, rows: Sequence[Row]) -> list[str]:
    """See ``Writer``."""
    return [f'low to high holds {self._interval.coverage:.0%}: {self._interval.reason}']

  def page(self, rows: Sequence[Row]) -> str:
    """See ``Writer``."""
    return ''


class OfPositions:
  """States along chains, and how far to trust them."""

  def __init__(self, decision: Confidence):
    self._decision = decision
    self.columns = ['file', 'length', 'states', 'confidence', 'expected', 'error']
    self.shown = ['file', 'length', 'expected', 'error']
    self.numbers = ['expected']

  def rows(self, names: Sequence[str], predicted: Sequence[np.ndarray]) -> list[Row]:
    """See ``Writer``."""
    found = []
    for name, probability in zip(names, predicted, strict=True):
      if not np.isfinite(probability).all():
        found.append(self.empty(name, 'the network gives no number for this file'))
        continue
      states, digits = spelled(probability, ''.join(self._decision.states))
      expected = self._decision.expected(digits)
      share = '' if expected is None else repr(expected)
      cells = [name, str(len(states)), states, digits, share, '']
      found.append(dict(zip(self.columns, cells, strict=True)))
    return found

  def empty(self, name: str, error: str) -> Row:
    """See ``Writer``."""
    return {**dict.fromkeys(self.columns, ''), 'file': name, 'error': error}

  def summary(self, rows: Sequence[Row]) -> list[str]:
    """See ``Writer``."""
    return [f'expected: the share of right positions, {self._decision.reason}']

  def page(self, rows: Sequence[Row]) -> str:
    """See ``Writer``."""
    drawings = []
    for row in rows:
      if row['error']:
        continue
      about = f'{row["length"]} residues'
      if row['expected']:
        about += f', {float(row["expected"]):.0%} of them expected to be right'
      drawn = chain_plots.chain(
        [('predicted', row['states'])], row['file'], confidence=row['confidence']
      )
      drawings.append((f'{row["file"]}: {about}', drawn))
    return chain_plots.page('Predicted states', drawings)
