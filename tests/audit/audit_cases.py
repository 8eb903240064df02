"""Cases that are made up, for tests of checks."""

import numpy as np

from medjax.audit.cases import Cases, Target
from medjax.data.looks import Looks


def make(features=None, label=None, split=None, group=None, metadata=None, **looks):
  """Cases of one label of two classes; what is not given says nothing."""
  count = len(next(x for x in (features, label, split, *looks.values()) if x is not None))
  numbers = np.arange(count)
  targets = [] if label is None else [Target('', ('normal', 'ill'), np.asarray(label))]
  split = np.full(count, 'train') if split is None else np.asarray(split)
  return Cases(
    'rows',
    np.array([f'case-{i}' for i in numbers]),
    split,
    numbers.astype(str) if group is None else np.asarray(group).astype(str),
    targets,
    metadata or {},
    Looks(looks.pop('blank', np.zeros(count, bool)), features, **looks),
    [str(i) for i in numbers],
    split == 'new' if 'new' in split else np.ones(count, bool),
  )
