"""Groups of near copies, which splits keep together."""

from collections.abc import Sequence

import numpy as np

from medjax.data.sequences import similar
from medjax.data.sequences.alphabet import Alphabet
from medjax.data.sequences.config import Config
from medjax.errors import UserError


def groups(config: Config, letters: Alphabet, sequences: Sequence[str]) -> tuple[list[str], str]:
  """The group of near copies that each sequence is of, and a note on them.

  Raises:
    UserError: both strands are compared, and the letters have one.
  """
  if config.both_strands and not letters.complement:
    raise UserError(
      f'{config.source}: {letters.name} has one strand; expected config.data.both_strands=false, '
      'and config.strands=one where an experiment has that setting'
    )
  threshold = 0.3 if config.similar == 'near' else 1.0
  numbers = similar.groups(
    sequences, letters, threshold=threshold, both_strands=config.both_strands
  )
  alike = 'near copies' if config.similar == 'near' else 'copies'
  groups, note = similar.named(numbers, 'sequences', alike)
  return groups.tolist(), note


def conflicts(tokens: Sequence[np.ndarray], texts: Sequence[str]) -> list[str]:
  """A note on identical sequences with different labels, as repeats of an experiment have; or none.

  Args:
    tokens: of each sequence.
    texts: label of each, as it is written.

  Example:
    >>> conflicts([np.array([1, 2]), np.array([1, 2]), np.array([3])], ['0', '1', '1'])
    ['1 sequences stand with different labels, in 2 rows: all of them are kept']
  """
  labels: dict[bytes, list[str]] = {}
  for one, text in zip(tokens, texts, strict=True):
    labels.setdefault(one.tobytes(), []).append(text)
  rows = [len(found) for found in labels.values() if len(set(found)) > 1]
  if not rows:
    return []
  return [
    f'{len(rows)} sequences stand with different labels, in {sum(rows)} rows: all of them are kept'
  ]


def require_groups(config: Config, groups: Sequence[str], given: Sequence[str]) -> None:
  """Sees that near copies leave enough groups to draw splits from.

  Args:
    config: the settings.
    groups: of each sequence.
    given: canonical split of each, '' where none was given.

  Raises:
    UserError: they do not.
  """
  drawn = not config.external and (config.folds or not any(given))
  if config.similar == 'near' and drawn and len(set(groups)) < 10:
    raise UserError(
      f'{config.source}: near copies leave {len(set(groups))} groups, too few to split; expected a '
      'split column, or for variants of one sequence config.data.similar=identical'
    )
