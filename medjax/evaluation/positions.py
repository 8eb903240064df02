"""States at each position of a sequence: the table with one row a chain, and its metrics."""

import dataclasses
import os
import pathlib
from typing import Any

import numpy as np

from medjax.errors import UserError
from medjax.evaluation.bootstrap import Bootstrap
from medjax.evaluation.estimate import Estimate
from medjax.evaluation.rows import Rows, constant, read_columns, write_rows
from medjax.evaluation.segments import overlap

UNKNOWN = '-'
DIGITS = '0123456789'
_COLUMNS = ('id', 'label', 'prediction', 'confidence', 'group', 'split', 'states')


@dataclasses.dataclass(frozen=True, eq=False)
class Positions(Rows):
  """What a model predicted at each position of the chains of one split.

  Attributes:
    id: [N] strings, unique: every chain is counted exactly once.
    label: [N] strings, a letter of ``states`` at each position, '-' where it is not known.
    prediction: [N] strings as long, a letter of ``states`` at each position.
    confidence: [N] strings as long, a digit at each position: the probability of the predicted
      state in tenths, rounded down (9 is 0.9 to 1), in PSIPRED's format.
    group: [N] strings: the family that the chain belongs to.
    split: name of the split.
    states: their letters, at least two.
    metadata: further columns by name, [N] strings each.

  Raises:
    ValueError: lengths or values break the description above.

  Example:
    >>> names = np.array(['1abc'])
    >>> table = Positions(names, ['HH-C'], ['HHCC'], ['9875'], names, 'test', ('H', 'E', 'C'))
    >>> len(table)
    1
  """

  id: np.ndarray
  label: list[str]
  prediction: list[str]
  confidence: list[str]
  group: np.ndarray
  split: str
  states: tuple[str, ...]
  metadata: dict[str, list[str]] = dataclasses.field(default_factory=dict)

  def __post_init__(self):
    if len(self.states) < 2 or len(set(self.states)) != len(self.states):
      raise ValueError(f'states are {self.states}; expected at least two different letters')
    if any(len(letter) != 1 or letter == UNKNOWN for letter in self.states):
      raise ValueError(f"states are {self.states}; expected one letter each, and not '-'")
    columns: dict[str, Any] = {
      'label': self.label,
      'prediction': self.prediction,
      'confidence': self.confidence,
    }
    self.check_rows()
    allowed = {'label': {*self.states, UNKNOWN}, 'prediction': {*self.states}}
    allowed['confidence'] = {*DIGITS}
    for name, column in columns.items():
      for id, text, predicted in zip(self.id, column, self.prediction, strict=True):
        if len(text) != len(predicted):
          raise ValueError(
            f'{name} of {id} has {len(text)} letters and its prediction {len(predicted)}; '
            'expected as many'
          )
        if not allowed[name].issuperset(text):
          wrong = min(set(text) - allowed[name])
          expected = ''.join(sorted(allowed[name]))
          raise ValueError(f'{name} of {id} has {wrong!r}; expected letters of {expected}')

  @classmethod
  def of_probabilities(
    cls, probability: np.ndarray, label: np.ndarray, lengths: np.ndarray, **columns: Any
  ) -> 'Positions':
    """The table of probabilities [N, L, C] and numbers of states [N, L], -1 where unknown.

    Args:
      probability: of each state.
      label: the true ones.
      lengths: positions of each chain, [N].
      columns: id, group, split, states and metadata.
    """
    letters = ''.join(columns['states'])
    texts: dict[str, Any] = {'label': [], 'prediction': [], 'confidence': []}
    for rows, known, length in zip(probability, label, lengths, strict=True):
      predicted, digits = spelled(rows[:length], letters)
      texts['prediction'].append(predicted)
      texts['confidence'].append(digits)
      # A label of -1 is the last letter.
      texts['label'].append(''.join((letters + UNKNOWN)[i] for i in known[:length].tolist()))
    return cls(**texts, **columns)

  def labelled(self) -> 'Positions':
    """The rows with a known state somewhere."""
    return self.take(np.flatnonzero([bool(set(text) - {UNKNOWN}) for text in self.label]))

  def confusion(self) -> np.ndarray:
    """Known positions of each chain by true and predicted state, int64 [N, C, C]."""
    count = len(self.states)
    counts = np.zeros((len(self), count, count), np.int64)
    for row, (label, prediction) in enumerate(zip(self.label, self.prediction, strict=True)):
      true, predicted = (self._numbers(text) for text in (label, prediction))
      known = true >= 0
      np.add.at(counts[row], (true[known], predicted[known]), 1)
    return counts

  def by_digit(self) -> tuple[np.ndarray, np.ndarray]:
    """Known positions with each digit of confidence, and those of them that are right, [10]."""
    known, right = np.zeros(10, np.int64), np.zeros(10, np.int64)
    for label, prediction, digits in zip(self.label, self.prediction, self.confidence, strict=True):
      digit = np.frombuffer(digits.encode(), np.uint8) - ord('0')
      true = self._numbers(label)
      known += np.bincount(digit[true >= 0], minlength=10)
      right += np.bincount(digit[true == self._numbers(prediction)], minlength=10)
    return known, right

  def _numbers(self, text: str) -> np.ndarray:
    lookup = np.full(256, -1)
    lookup[[ord(letter) for letter in self.states]] = np.arange(len(self.states))
    return lookup[np.frombuffer(text.encode(), np.uint8)]

  def write_csv(self, path: str | os.PathLike[str]) -> None:
    """Writes id, label, prediction, confidence, group, split, states (joined) and the metadata, in
    one step and so that ``read_positions`` returns the same table."""
    rows = (
      [
        self.id[row],
        self.label[row],
        self.prediction[row],
        self.confidence[row],
        self.group[row],
        self.split,
        ''.join(self.states),
        *(column[row] for column in self.metadata.values()),
      ]
      for row in range(len(self))
    )
    write_rows(path, [*_COLUMNS, *self.metadata], rows)


def spelled(probability: np.ndarray, letters: str) -> tuple[str, str]:
  """The most probable state at each position, and the digits of confidence in it.

  Example:
    >>> spelled(np.array([[0.65, 0.35, 0.0], [0.0, 0.0, 1.0]]), 'HEC')
    ('HC', '69')
  """
  best = probability.argmax(axis=-1)
  digits = np.minimum(np.floor(probability.max(axis=-1) * 10), 9).astype(int)
  return ''.join(letters[i] for i in best.tolist()), ''.join(map(str, digits.tolist()))


def read_positions(path: str | os.PathLike[str]) -> Positions:
  """Reads a table written by ``Positions.write_csv`` or by another tool.

  Only id, label and prediction are required: without confidence it is 0, without states they are
  the letters that occur; see ``table.read_csv`` for the rest.

  Raises:
    UserError: the file is missing, or a column or a value is missing or wrong.
  """
  path = pathlib.Path(path)
  columns = read_columns(path)
  if 'prediction' not in columns:
    raise UserError(f"{path} row 1: no column 'prediction'")
  label, prediction = columns['label'], columns['prediction']
  seen = set().union(*label, *prediction) - {UNKNOWN}
  try:
    return Positions(
      id=np.array(columns['id']),
      label=label,
      prediction=prediction,
      confidence=columns.get('confidence', ['0' * len(text) for text in prediction]),
      group=np.array(columns.get('group', columns['id'])),
      split=constant(path, columns, 'split', path.stem),
      states=tuple(constant(path, columns, 'states', ''.join(sorted(seen)))),
      metadata={name: cells for name, cells in columns.items() if name not in _COLUMNS},
    )
  except ValueError as error:
    raise UserError(f'{path}: {error}') from None


@dataclasses.dataclass(frozen=True)
class Confidence:
  """What the digits of confidence are worth: how often predictions with them are right.

  Attributes:
    checkpoint_step: the checkpoint whose validation predictions this was counted on.
    states: letters of the states.
    accuracy: share of right ones of each digit, None where it does not occur.
    positions: known positions with each digit.
    reason: on what it was counted.
  """

  checkpoint_step: int
  states: tuple[str, ...]
  accuracy: tuple[float | None, ...]
  positions: tuple[int, ...]
  reason: str = ''

  @classmethod
  def fit(cls, validation: Positions, step: int) -> 'Confidence':
    """Counts in a table of a split that was not trained on."""
    known, right = (part.tolist() for part in validation.by_digit())
    accuracy = tuple(r / k if k else None for r, k in zip(right, known, strict=True))
    reason = f'counted at {sum(known)} positions of {validation.split}'
    return cls(step, validation.states, accuracy, tuple(known), reason)

  def expected(self, digits: str) -> float | None:
    """The share of right positions to expect of a chain with these digits; None where a digit did
    not occur in validation."""
    shares = [self.accuracy[int(digit)] for digit in digits]
    known = [value for value in shares if value is not None]
    return sum(known) / len(known) if known and len(known) == len(shares) else None

  def to_json(self) -> dict[str, Any]:
    """A JSON object, which ``from_json`` reads back to the same bits."""
    return {**dataclasses.asdict(self), 'states': ''.join(self.states)}

  @classmethod
  def from_json(cls, fields: dict[str, Any]) -> 'Confidence':
    """What ``to_json`` gave.

    Raises:
      KeyError: a field is missing.
      ValueError: not ten digits.
    """
    if len(fields['accuracy']) != 10 or len(fields['positions']) != 10:
      raise ValueError('accuracy and positions: expected ten digits')
    return cls(
      int(fields['checkpoint_step']),
      tuple(fields['states']),
      tuple(None if value is None else float(value) for value in fields['accuracy']),
      tuple(map(int, fields['positions'])),
      fields['reason'],
    )


def position_metrics(table: Positions) -> dict[str, Estimate]:
  """Metrics over all known positions of a table, with 95% intervals by bootstrap over groups.

  ``q<C>`` for C states (q3: helix, strand, coil), the share of positions that are right;
  ``chain_q<C>``, the mean of the chains' own shares; ``sov``, segment overlap (see ``segments``);
  and of each state ``sensitivity_H``, ``ppv_H``, ``f1_H`` and ``sov_H``. The ends are those of
  resampled groups, as positions of a chain are not independent.
  """
  known = table.labelled()
  name = f'q{len(table.states)}'
  if not len(known):
    return {name: Estimate(None, reason='no position has a known state')}
  counts = known.confusion().astype(np.float64)
  shares = [
    overlap(label, prediction, table.states)
    for label, prediction in zip(known.label, known.prediction, strict=True)
  ]
  overlaps = np.array([share for share, _ in shares])
  norms = np.array([norm for _, norm in shares])
  right = np.trace(counts, axis1=1, axis2=2)
  total = counts.sum(axis=(1, 2))
  ratios = {
    name: (right, total),
    f'chain_{name}': (right / total, np.ones(len(known))),
    'sov': (overlaps.sum(axis=1), norms.sum(axis=1)),
  }
  for i, state in enumerate(table.states):
    true, called, both = counts[:, i].sum(axis=1), counts[:, :, i].sum(axis=1), counts[:, i, i]
    ratios |= {
      f'sensitivity_{state}': (both, true),
      f'ppv_{state}': (both, called),
      f'f1_{state}': (2 * both, true + called),
      f'sov_{state}': (overlaps[:, i], norms[:, i]),
    }
  defined = {key: pair for key, pair in ratios.items() if pair[1].sum() > 0}
  values = {key: float(top.sum() / below.sum()) for key, (top, below) in defined.items()}

  def statistics(times: np.ndarray) -> dict[str, np.ndarray]:
    with np.errstate(invalid='ignore', divide='ignore'):
      return {key: (times @ top) / (times @ below) for key, (top, below) in defined.items()}

  estimates = Bootstrap(known.group).intervals(values, statistics)
  lacking = Estimate(None, reason='no position has or is called this state')
  return {key: estimates.get(key, lacking) for key in ratios}
