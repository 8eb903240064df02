"""Which cases the trials of a study see: none of the test split, and all of them the same."""

import dataclasses
import hashlib
from typing import Any

import jax
import numpy as np

from medjax.errors import UserError
from medjax.experiment import Experiment

_SEEN = ('train', 'val')


def unseen(experiment: Experiment) -> Experiment:
  """The experiment without its test cases, which a choice of settings must not see.

  Raises:
    UserError: there are no validation cases to choose by.
  """
  splits = experiment.data.splits
  if 'val' not in splits or not len(splits['val']):
    raise UserError('tune: chooses by the split val; the data have none')
  kept = {name: split for name, split in splits.items() if name in _SEEN}
  return dataclasses.replace(experiment, data=dataclasses.replace(experiment.data, splits=kept))


def digest(experiment: Experiment, split: str) -> str:
  """Sixteen hexadecimal digits of the names, the groups and the labels of a split's cases."""
  found = experiment.data.splits[split]
  content = hashlib.sha256()
  for names in (found.id, found.group):
    content.update('\0'.join(names.tolist()).encode() + b'\1')
  for leaf in jax.tree.leaves(found.label):
    content.update(np.ascontiguousarray(leaf).tobytes())
  return content.hexdigest()[:16]


def check(study: Any, experiment: Experiment) -> None:
  """Sees that a trial has the training and the validation cases of all others.

  With them a patient is on both sides in all trials or in none, as the splits of the default
  settings have it.

  Args:
    study: of Optuna.
    experiment: of the trial; see ``unseen``.

  Raises:
    UserError: it has others.
  """
  own = {split: digest(experiment, split) for split in _SEEN}
  first = study.user_attrs.get('cases')
  if first is None:
    study.set_user_attr('cases', own)
    return
  for split, of in (('train', 'training'), ('val', 'validation')):
    if first[split] != own[split]:
      raise UserError(
        f'its {of} cases are not those of the other trials; leave settings that change them out of '
        'the space'
      )
