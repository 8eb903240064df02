"""Masks of images: the table of how called and true masks overlap, and its metrics.

A metric is of an image, and then the mean over images, each alike. Where the truth is empty there
is nothing to find: such an image has no Dice, IoU, sensitivity or distance and is left out of their
means, as MONAI's metrics do by default; whether anything is called there is a metric of its own.
"""

import dataclasses
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medjax.errors import UserError
from medjax.evaluation.bootstrap import Bootstrap
from medjax.evaluation.estimate import Estimate
from medjax.evaluation.rows import Rows, constant, floats, read_columns, write_rows

_COLUMNS = ('id', 'group', 'split')
_COUNTS = ('both', 'called', 'true')
_OF_STRUCTURE = (*_COUNTS, 'hausdorff95')
# Why a metric of an image is not defined.
_LACKS = {
  'empty': 'no image shows it',
  'uncalled': 'it is called in no image',
  'apart': 'no image shows it where it is called',
  'shown': 'every image shows it',
}


@dataclasses.dataclass(frozen=True, eq=False)
class Masks(Rows):
  """How the called masks of one split overlap with the true ones.

  Attributes:
    id: [N] strings, unique: every image is counted exactly once.
    both: pixels that are called a structure and are of it, int64 [N, K].
    called: pixels that are called it.
    true: pixels that are of it.
    hausdorff95: Hausdorff distance of the outlines at the 95th percentile, float64 [N, K], in
      pixels of the network's input; NaN where one of the masks is empty.
    group: [N] strings: the patient.
    split: name of the split.
    structures: their names, K of them.
    metadata: further columns by name, [N] strings each.

  Raises:
    ValueError: shapes or values break the description above.

  Example:
    >>> names, count = np.array(['a']), np.array([[4]])
    >>> table = Masks(names, count, count, count, np.zeros((1, 1)), names, 'test', ('polyp',))
    >>> table.scores()['dice'].tolist()
    [[1.0]]
  """

  id: np.ndarray
  both: np.ndarray
  called: np.ndarray
  true: np.ndarray
  hausdorff95: np.ndarray
  group: np.ndarray
  split: str
  structures: tuple[str, ...]
  metadata: dict[str, list[str]] = dataclasses.field(default_factory=dict)

  def __post_init__(self):
    if not self.structures or len(set(self.structures)) != len(self.structures):
      raise ValueError(f'structures are {self.structures}; expected different names')
    self.check_rows()
    for name in _OF_STRUCTURE:
      shape, expected = getattr(self, name).shape, (len(self), len(self.structures))
      if shape != expected:
        raise ValueError(f'{name} has shape {shape}; expected {expected}')
    if (self.both < 0).any() or (self.both > np.minimum(self.called, self.true)).any():
      raise ValueError('an image has more pixels that are called and true than of either, or < 0')
    if (self.hausdorff95 < 0).any():
      raise ValueError('a distance is negative')

  @classmethod
  def of_statistics(cls, statistics: Mapping[str, np.ndarray], **columns: Any) -> 'Masks':
    """The table of what ``tasks.PerPixel.statistics`` gave, leaves [N, K].

    Args:
      statistics: counts, and distances that are -1 where there is none.
      columns: id, group, split, structures and metadata.
    """
    counts: dict[str, Any] = {name: np.round(statistics[name]).astype(np.int64) for name in _COUNTS}
    apart = np.asarray(statistics['hausdorff95'], np.float64)
    return cls(**counts, hausdorff95=np.where(apart < 0, np.nan, apart), **columns)

  def labelled(self) -> 'Masks':
    """All rows: images without a mask are not in the data."""
    return self

  def scores(self) -> dict[str, np.ndarray]:
    """Metrics of each image and structure by name, float64 [N, K], NaN where undefined.

    ``dice``, ``iou``, ``sensitivity`` and ``missed`` (1 where nothing is called) of images that
    show the structure; ``precision`` of those where it is called; ``hausdorff95`` of those with
    both; ``clear`` (1 where nothing is called) of those that do not show it.
    """
    shown, found = self.true > 0, self.called > 0
    either = self.called + self.true - self.both

    def ratio(top: np.ndarray, below: np.ndarray, where: np.ndarray) -> np.ndarray:
      return np.divide(top, below, out=np.full(top.shape, np.nan), where=where)

    return {
      'dice': ratio(2 * self.both, self.called + self.true, shown),
      'iou': ratio(self.both, either, shown),
      'sensitivity': ratio(self.both, self.true, shown),
      'precision': ratio(self.both, self.called, found),
      'hausdorff95': np.where(shown & found, self.hausdorff95, np.nan),
      'missed': np.where(shown, ~found, np.nan),
      'clear': np.where(shown, np.nan, ~found),
    }

  def write_csv(self, path: str | os.PathLike[str]) -> None:
    """Writes id; of each structure both_X, called_X, true_X and hausdorff95_X (empty where
    undefined); group, split and the metadata, so that ``read_masks`` returns the same bits."""
    header = [*_names(self.structures), *_COLUMNS[1:], *self.metadata]
    write_rows(path, ['id', *header], map(self._cells, range(len(self))))

  def _cells(self, row: int) -> list[Any]:
    cells: list[Any] = [self.id[row]]
    for k in range(len(self.structures)):
      apart = float(self.hausdorff95[row, k])
      cells += [int(getattr(self, name)[row, k]) for name in _COUNTS]
      cells.append('' if np.isnan(apart) else repr(apart))
    return [
      *cells,
      self.group[row],
      self.split,
      *(column[row] for column in self.metadata.values()),
    ]


def _names(structures: tuple[str, ...]) -> list[str]:
  return [f'{name}_{structure}' for structure in structures for name in _OF_STRUCTURE]


def reserved(name: str, structures: tuple[str, ...]) -> bool:
  """Whether a column of the table has this name, so that none of the metadata can have it."""
  return name in _COLUMNS or name in _names(structures)


def read_masks(path: str | os.PathLike[str]) -> Masks:
  """Reads a table written by ``Masks.write_csv`` or by another tool.

  Only id and the columns of one structure are required; see ``table.read_csv`` for the rest.

  Raises:
    UserError: the file is missing, or a column or a value is missing or wrong; the message names
      the file and the row (the header is row 1).
  """
  path = pathlib.Path(path)
  columns = read_columns(path, ('id',))
  structures = tuple(name.removeprefix('true_') for name in columns if name.startswith('true_'))
  if not structures:
    raise UserError(f'{path} row 1: no column true_X of a structure X')
  for name in _names(structures):
    if name not in columns:
      raise UserError(f'{path} row 1: no column {name!r}')
  values = {
    name: np.stack(
      [
        floats(path, f'{name}_{s}', columns[f'{name}_{s}'], missing=name == 'hausdorff95')
        for s in structures
      ],
      axis=1,
    )
    for name in _OF_STRUCTURE
  }
  counts = {name: values[name].astype(np.int64) for name in _COUNTS}
  try:
    return Masks(
      id=np.array(columns['id']),
      **counts,
      hausdorff95=values['hausdorff95'],
      group=np.array(columns.get('group', columns['id'])),
      split=constant(path, columns, 'split', path.stem),
      structures=structures,
      metadata={k: cells for k, cells in columns.items() if not reserved(k, structures)},
    )
  except ValueError as error:
    raise UserError(f'{path}: {error}') from None


@dataclasses.dataclass(frozen=True)
class MaskDecision:
  """How probabilities become masks: above a fixed threshold, or the most probable.

  Attributes:
    checkpoint_step: the checkpoint that is evaluated.
    structures: names of what masks show.
    threshold: on the probability of one structure; None for several.
  """

  checkpoint_step: int
  structures: tuple[str, ...]
  threshold: float | None

  @property
  def reason(self) -> str:
    """What is called, in words."""
    if self.threshold is None:
      return 'a pixel is called what is most probable there'
    return f'a pixel is called {self.structures[0]} where its probability is above {self.threshold}'

  def told(self, predicted: np.ndarray, classes: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """What is said of images: probability, as given, and called, as of ``calls``.

    Args:
      predicted: probabilities, as ``calls`` takes them.
      classes: none.
    """
    return {'probability': predicted, 'called': self.calls(predicted)}

  def calls(self, probability: np.ndarray) -> np.ndarray:
    """Number of what each pixel is called, uint8 [N, H, W], 0 for background.

    Args:
      probability: [N, H, W] of one structure; or [N, H, W, C] of background and each.
    """
    if self.threshold is None:
      return probability.argmax(-1).astype(np.uint8)
    return (probability > self.threshold).astype(np.uint8)

  def to_json(self) -> dict[str, Any]:
    """A JSON object, which ``from_json`` reads back."""
    return {**dataclasses.asdict(self), 'structures': list(self.structures)}

  @classmethod
  def from_json(cls, fields: dict[str, Any]) -> 'MaskDecision':
    """What ``to_json`` gave.

    Raises:
      KeyError: a field is missing.
    """
    threshold = fields['threshold']
    return cls(
      int(fields['checkpoint_step']),
      tuple(map(str, fields['structures'])),
      None if threshold is None else float(threshold),
    )


def mean_of_structures(scores: np.ndarray) -> np.ndarray:
  """The mean over the structures for which an image has a score, [N] of [N, K]; NaN without any."""
  known = ~np.isnan(scores)
  total = np.where(known, scores, 0).sum(axis=1)
  return np.divide(total, known.sum(axis=1), out=np.full(len(scores), np.nan), where=known.any(1))


def mask_metrics(table: Masks) -> dict[str, Estimate]:
  """Means over images of ``Masks.scores``, with 95% intervals by bootstrap over groups.

  ``dice``, ``iou``, ``sensitivity``, ``precision``, ``hausdorff95``, ``missed`` and ``clear``; of
  several structures each is, in an image, the mean over those for which it is defined, and that of
  one structure is ``dice_<name>`` and so on. An image that a score is not defined for is left out
  of its mean. A distance is not defined where nothing is called, so that it has to be read with
  ``missed``.
  """
  by_structure = table.scores()
  scores = {name: mean_of_structures(values) for name, values in by_structure.items()}
  if len(table.structures) > 1:
    for name, values in by_structure.items():
      scores |= {f'{name}_{s}': values[:, k] for k, s in enumerate(table.structures)}
  known = {name: ~np.isnan(values) for name, values in scores.items()}
  defined = [name for name in scores if known[name].any()]
  filled = {name: np.where(known[name], scores[name], 0) for name in defined}
  means = {name: float(filled[name].sum() / known[name].sum()) for name in defined}

  def statistics(times: np.ndarray) -> dict[str, np.ndarray]:
    with np.errstate(invalid='ignore', divide='ignore'):
      return {name: (times @ filled[name]) / (times @ known[name]) for name in defined}

  estimates = Bootstrap(table.group).intervals(means, statistics)
  return {name: estimates.get(name) or Estimate(None, reason=_lack(name)) for name in scores}


def _lack(name: str) -> str:
  if name.startswith('precision'):
    return _LACKS['uncalled']
  if name.startswith('hausdorff95'):
    return _LACKS['apart']
  return _LACKS['shown' if name.startswith('clear') else 'empty']
