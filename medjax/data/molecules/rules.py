"""Rules by which groups of molecules become 80/10/10 splits.

*Largest first* fills train with whole groups from the largest on, then val, then test, which gets
the rarest scaffolds: DeepChem's and MoleculeNet's rule. *Balanced* puts groups that are larger than
half of val or test into train and draws where the others go, Chemprop's rule. *By time* trains on
the earliest and tests on the latest.

Source:
  Wu, Z. et al. (2018), MoleculeNet: a benchmark for molecular machine learning, Chem. Sci. 9:513.
  Yang, K. et al. (2019), Analyzing learned molecular representations for property prediction,
  J. Chem. Inf. Model. 59:3370.
"""

from collections.abc import Sequence

import numpy as np

FRACTIONS = {'train': 0.8, 'val': 0.1, 'test': 0.1}


def largest_first(groups: Sequence[int]) -> list[str]:
  """Whole groups, the largest first; of equals the one that begins later.

  Args:
    groups: number of the group of each example, [N].

  Returns:
    The split of each.

  Example:
    >>> largest_first([0, 0, 0, 0, 0, 0, 0, 0, 1, 2])
    ['train', 'train', 'train', 'train', 'train', 'train', 'train', 'train', 'test', 'val']
  """
  members = _members(groups)
  return _filled(sorted(members, key=lambda rows: (len(rows), rows[0]), reverse=True), len(groups))


def balanced(groups: Sequence[int], seed: int) -> list[str]:
  """Large groups in train, and the others where a draw puts them.

  Args:
    groups: number of the group of each example, [N].
    seed: of the draw.
  """
  members = _members(groups)
  half = FRACTIONS['val'] * len(groups) / 2
  large = [rows for rows in members if len(rows) > half]
  small = [rows for rows in members if len(rows) <= half]
  random = np.random.default_rng(seed)
  drawn = [
    *(large[i] for i in random.permutation(len(large))),
    *(small[i] for i in random.permutation(len(small))),
  ]
  return _filled(drawn, len(groups))


def by_time(times: Sequence[float]) -> list[str]:
  """The earliest 80% train, the latest test; what is of one time stays together.

  Args:
    times: of each example, [N].

  Example:
    >>> by_time([3, 1, 2, 5, 4, 9, 8, 7, 6, 10]).index('test')
    9
  """
  order = np.argsort(np.asarray(times), kind='stable')
  of = np.asarray(times)[order]
  # An example goes where the last one of its time would go, so that nothing later is trained on.
  share = np.searchsorted(of, of, side='right') / len(of)
  ends = np.cumsum(list(FRACTIONS.values()))[:-1] + 1e-9
  places = np.searchsorted(ends, share)
  names = list(FRACTIONS)
  splits = [''] * len(of)
  for example, place in zip(order, places, strict=True):
    splits[example] = names[place]
  return splits


def _members(groups: Sequence[int]) -> list[list[int]]:
  """The examples of each group, in the order in which groups begin."""
  members: dict[int, list[int]] = {}
  for example, group in enumerate(groups):
    members.setdefault(group, []).append(example)
  return list(members.values())


def _filled(ordered: Sequence[Sequence[int]], count: int) -> list[str]:
  """Splits of groups in this order: each goes to the first split that has room for it."""
  room = {name: int(FRACTIONS[name] * count) for name in ('train', 'val')}
  splits = [''] * count
  for rows in ordered:
    name = next((name for name, left in room.items() if len(rows) <= left), 'test')
    if name != 'test':
      room[name] -= len(rows)
    for row in rows:
      splits[row] = name
  return splits
