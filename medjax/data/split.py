"""Which examples train, which validate and which test, without a patient on two sides."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from medjax.config import nearest
from medjax.errors import UserError

SPLITS = ('train', 'val', 'test')
EXTERNAL = 'external'  # of all cases of another site
UNUSED = 'unused'  # of training cases beyond config.data.train_share
FRACTIONS = {'train': 0.70, 'val': 0.15, 'test': 0.15}
_NAMES = {
  'train': 'train', 'training': 'train',
  'val': 'val', 'valid': 'val', 'validation': 'val', 'dev': 'val',
  'test': 'test', 'testing': 'test', 'holdout': 'test',
}  # fmt: skip


class Settings(Protocol):
  """What the settings of a data set say about splits."""

  seed: int
  folds: int
  fold: int


def choose(
  config: Settings,
  labels: Sequence[str],
  groups: Sequence[str],
  given: Sequence[str],
  origin: str,
  *,
  train_all: bool = True,
  check_overlap: bool = True,
  allow_overlap: bool = False,
) -> tuple[list[str], list[str]]:
  """Splits of a fold where folds are asked for, or those that were given, or drawn ones.

  Args:
    config: settings of the data set.
    labels: class of each example, or whatever splits should be alike in.
    groups: patient of each example.
    given: canonical split of each example, '' where the data set names none.
    origin: see ``assign``.
    train_all: see ``assign``.
    check_overlap: look for groups in two given splits at all.
    allow_overlap: accept a group in two given splits, with a note.

  Returns:
    The split of each example, and notes for the user about what was decided here.

  Raises:
    UserError: there is no such fold, a group is in two given splits, or splits cannot be used.
  """
  if config.folds:
    splits = folds(labels, groups, config.seed, config.folds, config.fold, train_all=train_all)
    notes = [f'fold {config.fold} of {config.folds} tests']
    if any(given):
      notes.append('the splits that were given are not used, as config.data.folds draws others')
    return splits, notes
  notes = check_groups(groups, given, allow_overlap) if check_overlap and any(given) else []
  splits, new_notes = assign(labels, groups, given, config.seed, origin, train_all=train_all)
  return splits, notes + new_notes


def partly(
  splits: Sequence[str],
  labels: Sequence[str],
  groups: Sequence[str],
  share: float,
  seed: Sequence[int],
) -> list[str]:
  """The splits with a share of the training groups alone, and the others ``UNUSED``.

  Of every class as large a share stays, one group at least; a group counts for the rarest class
  that it has. The groups of a small share are among those of a larger one with the same seed.

  Args:
    splits: of each example; ``UNUSED`` ones are training examples.
    labels: class of each example.
    groups: patient of each example.
    share: of the groups, more than 0 and at most 1.
    seed: draws other groups.

  Example:
    >>> partly(['train'] * 4 + ['test'], 'aabba', '12345', 0.5, [0]).count('train')
    2
  """
  of_group: dict[str, set[str]] = {}
  for where, label, group in zip(splits, labels, groups, strict=True):
    if where in ('train', UNUSED):
      of_group.setdefault(group, set()).add(label)
  frequent = Counter(label for held in of_group.values() for label in held)
  label_of = {
    group: min(held, key=lambda label: (frequent[label], label)) for group, held in of_group.items()
  }
  kept: set[str] = set()
  random = np.random.default_rng(seed)
  for name in sorted(set(label_of.values())):
    members = sorted(group for group, label in label_of.items() if label == name)
    order = random.permutation(len(members))
    kept.update(members[i] for i in order[: max(1, round(share * len(members)))])
  return [
    where if where not in ('train', UNUSED) else 'train' if group in kept else UNUSED
    for where, group in zip(splits, groups, strict=True)
  ]


def canonical(name: str, where: str) -> str:
  """'train', 'val' or 'test' for the names in use for them.

  Raises:
    UserError: another name; ``where`` says in which file and row.
  """
  try:
    return _NAMES[name.strip().lower()]
  except KeyError:
    close = nearest(name.lower(), list(_NAMES))
    raise UserError(f'{where}: split is {name!r}; expected train, val or test{close}') from None


def known(name: str) -> str:
  """'train', 'val' or 'test' for the names in use for them, '' for another name."""
  return _NAMES.get(name.lower(), '')


def in_row(cells: Mapping[str, str], column: str, where: str) -> str:
  """The split that a row of a table names, canonical; '' where it names none.

  Args:
    cells: of the row, by column.
    column: with the split; '' where there is no such column.
    where: file and row, for errors.
  """
  return canonical(cells[column], where) if column and cells[column] else ''


def of_set(name: str, validation: str, where: str) -> str:
  """The split of sets that mark validation examples among those to train on, as FLIP's do.

  Args:
    name: 'train' or 'test'.
    validation: 'True' for validation; anything else is not.
    where: file and row, for errors.

  Example:
    >>> of_set('train', 'True', 'a.csv row 2')
    'val'
  """
  split = canonical(name, where)
  return 'val' if split == 'train' and validation.strip().lower() == 'true' else split


def quarters(values: np.ndarray) -> list[str]:
  """The quarter of each number, so that every part gets small and large ones."""
  edges = np.quantile(values, [0.25, 0.5, 0.75])
  return [str(quarter) for quarter in np.searchsorted(edges, values)]


def stratified(
  labels: Sequence[str], groups: Sequence[str], seed: int, fractions: dict[str, float]
) -> list[str]:
  """Splits by group, each split with about the same share of every class.

  Groups come largest first (in an order drawn from the seed among equals) and each goes where the
  numbers of its classes are furthest below what that split should have, as in scikit-learn's
  StratifiedGroupKFold, which cannot make parts of unequal size.

  Args:
    labels: class of each example.
    groups: patient of each example; equal groups stay together.
    seed: draws another split.
    fractions: share of each split, adding up to 1.

  Returns:
    The split's name for each example.

  Example:
    >>> stratified(['a', 'b'] * 2, ['1', '1', '2', '2'], 0, {'train': .5, 'val': .5}).count('val')
    2
  """
  classes = {name: i for i, name in enumerate(sorted(set(labels)))}
  members: dict[str, Counter[int]] = {}
  for label, group in zip(labels, groups, strict=True):
    members.setdefault(group, Counter())[classes[label]] += 1
  counts = np.zeros((len(members), len(classes)))
  for row, counter in enumerate(members.values()):
    for column, count in counter.items():
      counts[row, column] = count
  shuffled = np.random.default_rng(seed).permutation(len(counts))
  order = shuffled[np.argsort(-counts[shuffled].max(axis=1), kind='stable')]
  total = counts.sum(axis=0)
  target = np.array(list(fractions.values()))[:, None] * total
  have = np.zeros_like(target)
  chosen = np.zeros(len(counts), int)
  for row in order:
    # The split whose classes, weighted by what this group would add, lack most of their target.
    lack = ((target - have) / np.maximum(target, 1e-9) * counts[row]).sum(axis=1)
    chosen[row] = int(np.argmax(lack))
    have[chosen[row]] += counts[row]
  names = list(fractions)
  by_group = {group: names[chosen[row]] for row, group in enumerate(members)}
  return [by_group[group] for group in groups]


def folds(
  labels: Sequence[str],
  groups: Sequence[str],
  seed: int,
  count: int,
  fold: int,
  *,
  train_all: bool = True,
) -> list[str]:
  """Splits of one round of a cross-validation: a fold tests, 15% of the others validate.

  Args:
    labels: class of each example.
    groups: patient of each example; equal groups stay together.
    seed: draws other folds.
    count: how many folds; each example is in the test split of one of them.
    fold: the one that tests, from 0.
    train_all: see ``assign``.

  Raises:
    UserError: there is no such fold, or there are too few groups.

  Example:
    >>> rounds = [folds('ab' * 10, range(20), 0, 2, fold) for fold in range(2)]
    >>> [sorted(where).count('test') for where in zip(*rounds)] == [1] * 20
    True
  """
  if count < 2:
    raise UserError(f'config.data.folds={count}: expected 2 or more')
  if not 0 <= fold < count:
    raise UserError(f'config.data.fold={fold}: expected 0 to {count - 1} with {count} folds')
  names = {str(i): 1 / count for i in range(count)}
  of = stratified(labels, groups, seed, names)
  splits = ['test' if name == str(fold) else 'train' for name in of]
  if set(splits) != {'test', 'train'}:
    raise UserError(f'{len(set(groups))} groups are too few for {count} folds')
  training = [i for i, name in enumerate(splits) if name == 'train']
  again = stratified(
    [labels[i] for i in training],
    [groups[i] for i in training],
    seed,
    {'train': FRACTIONS['train'] + FRACTIONS['test'], 'val': FRACTIONS['val']},
  )
  for i, name in zip(training, again, strict=True):
    splits[i] = name
  _require_val(splits, groups)
  if train_all:
    _require_classes(labels, splits, f'of fold {fold} with config.data.seed={seed}')
  return splits


def assign(
  labels: Sequence[str],
  groups: Sequence[str],
  given: Sequence[str],
  seed: int,
  origin: str = 'the data set',
  *,
  train_all: bool = True,
) -> tuple[list[str], list[str]]:
  """Completes the splits that a data set came with.

  Without any, 70/15/15 for train, val and test. With train and no val, 15% of train becomes val. A
  missing test split stays missing.

  Args:
    labels: class of each example.
    groups: patient of each example.
    given: canonical split of each example, '' where the data set names none.
    seed: draws another split.
    origin: what gives the splits, for errors.
    train_all: whether every class must be in train; not where labels are parts of a range of
      numbers, which only keep the splits alike.

  Returns:
    The split of each example, and notes for the user about what was decided here.

  Raises:
    UserError: splits that cannot be used (some rows without one, no training examples, or none of
      some class).
  """
  present = {name for name in given if name}
  if not present:
    splits = stratified(labels, groups, seed, FRACTIONS)
    _require_val(splits, groups)
    if train_all:
      _require_classes(labels, splits, f'drawn with config.data.seed={seed}')
    return splits, ['no split given: 70/15/15 for train, val and test, by group, stratified']
  if '' in given:
    raise UserError(
      f'{given.count("")} rows have no split; expected train, val or test in every row'
    )
  if 'train' not in present:
    raise UserError(
      f'no example is in split train, only in {", ".join(sorted(present))}; '
      'config.data.split_column= (empty) draws splits'
    )
  splits, notes, how = list(given), [], f'given by {origin}'
  if 'val' not in present:
    rows = [i for i, name in enumerate(given) if name == 'train']
    again = stratified(
      [labels[i] for i in rows], [groups[i] for i in rows], seed, {'train': 0.85, 'val': 0.15}
    )
    for i, name in zip(rows, again, strict=True):
      splits[i] = name
    _require_val(splits, groups)
    notes.append('no val split given: 15% of train, by group, stratified')
    how += f', val drawn from train with config.data.seed={seed}'
  if train_all:
    _require_classes(labels, splits, how)
  return splits, notes


def _require_val(splits: Sequence[str], groups: Sequence[str]) -> None:
  if 'val' not in splits:
    raise UserError(
      f'{len(set(groups))} groups are too few to split; expected at least 10, or a split column'
    )


def _require_classes(labels: Sequence[str], splits: Sequence[str], how: str) -> None:
  pairs = set(zip(labels, splits, strict=True))
  for label in sorted(set(labels)):
    if (label, 'train') not in pairs:
      elsewhere = ' and '.join(name for name in SPLITS if (label, name) in pairs)
      raise UserError(
        f'no example of class {label!r} is in split train, only in {elsewhere} (splits {how}); '
        'expected examples of every class to train on'
      )


def check_groups(groups: Sequence[str], splits: Sequence[str], allow: bool) -> list[str]:
  """Sees that no group is in two splits.

  Returns:
    Notes for the user: the overlap, where it is allowed.

  Raises:
    UserError: a group is in two splits and ``allow`` is False.
  """
  seen: dict[str, set[str]] = {}
  for group, split in zip(groups, splits, strict=True):
    seen.setdefault(group, set()).add(split)
  shared = sorted(group for group, where in seen.items() if len(where) > 1)
  if not shared:
    return []
  where = ' and '.join(s for s in SPLITS if s in seen[shared[0]])
  text = f'{len(shared)} groups are in two splits, the first {shared[0]!r} in {where}'
  if not allow:
    raise UserError(
      f'{text}; results would be too good (config.data.allow_group_overlap=true takes it anyway)'
    )
  return [f'LEAK ALLOWED: {text}']
