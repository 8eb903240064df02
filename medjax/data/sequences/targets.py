"""What the labels of sequences are: one class each, several at once, or numbers."""

from collections.abc import Sequence

import numpy as np

from medjax.data import labels, numerals
from medjax.data.quote import short
from medjax.data.sequences.config import Config
from medjax.data.sequences.files import Labelled
from medjax.errors import UserError

_LARGEST = 1e18  # what float32 can square


def of_one_class(sequences: Sequence[Labelled], separator: str) -> tuple[list[Labelled], list[str]]:
  """The sequences whose label is a single class, and a note of how many are left out.

  Args:
    sequences: with their labels.
    separator: what joins the classes of one label.

  Raises:
    UserError: there are none.
  """
  kept = [one for one in sequences if separator not in one.label]
  left = len(sequences) - len(kept)
  notes = [f'{left} sequences of several classes left out'] if left else []
  if not kept:
    raise UserError(
      f'config.data.label_separator={separator}: stands in every label; expected '
      'config.data.labels=several, or another separator'
    )
  return kept, notes


def encode(
  config: Config, sequences: Sequence[Labelled], known: tuple[str, ...] | None
) -> tuple[np.ndarray, tuple[str, ...]]:
  """Labels as arrays, and the names of the classes.

  Args:
    config: what labels are.
    sequences: with their labels as they are written.
    known: names of the classes where they are known; otherwise None.

  Returns:
    Class numbers, int32 [N]; or numbers, float32 [N], without names; or one column a class,
    float32 [N, C].

  Raises:
    UserError: a label is no number where numbers were expected, or see ``labels.class_names``.
  """
  if config.labels == 'numbers':
    return np.array([_number(one) for one in sequences], np.float32), ()
  texts = [one.label for one in sequences]
  parts = [[text] for text in texts]
  if config.labels == 'several':
    parts = [[p.strip() for p in t.split(config.label_separator) if p.strip()] for t in texts]
  every = [name for part in parts for name in part]
  names = known or labels.class_names(
    every, config.positive, config.source, joined=config.joined_names
  )
  if config.labels == 'classes':
    return labels.encode(texts, names), names
  label = np.zeros((len(texts), len(names)), np.float32)
  for row, part in zip(label, parts, strict=True):
    row[labels.encode(part, names)] = 1
  return label, names


def _number(one: Labelled) -> float:
  value = numerals.real(one.label)
  if value is None or abs(value) > _LARGEST:
    raise UserError(
      f'{one.where}: label {short(one.label)!r} is no number within {_LARGEST:g} of 0; expected '
      'one, or labels of classes'
    )
  return value
