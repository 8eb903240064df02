"""From examples that were read to a data set: splits, notes, fingerprint.

Every kind of data is loaded in the same steps. Its loader reads the source into ``Examples``, which
choose their splits by the settings; what is fitted to training examples is fitted then; and arrays
or stored rows with labels make the data set. A loader of a new kind is
``load(settings, modality, read)`` with two functions of its own: ``read`` takes these steps, and
``modality`` makes the owner of its inputs again where a run's data.json stands for the examples.
"""

import contextlib
import contextvars
import dataclasses
import functools
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from medjax import config as config_lib
from medjax.data import dataset, external, joint, memory, patients, positive, ragged, split
from medjax.data.modality import Modality
from medjax.data.settings import Settings
from medjax.errors import UserError

# Data sets that were read inside ``read_once``, each with what it depends on.
_kept: contextvars.ContextVar[list[tuple[Any, dataset.Dataset]] | None] = contextvars.ContextVar(
  'kept', default=None
)


def load(
  settings: Settings,
  modality: Callable[[dict[str, Any]], Modality],
  read: Callable[[], dataset.Dataset],
) -> dataset.Dataset:
  """The data set that is read; or where ``settings.stored`` describes one, that without examples,
  or with those of another site.

  Args:
    settings: of the data set.
    modality: makes the owner of its inputs again from the details that data.json keeps.
    read: reads the examples.
  """
  if settings.stored is not None:
    described = dataset.without_examples(settings.stored, modality(settings.stored['details']))
    return external.joined(described, read(), settings) if settings.external else described
  kept = _kept.get()
  if kept is None:
    return read()
  asked = _asked(settings, read)
  for before, data in kept:
    if before == asked:
      return data
  kept.append((asked, read()))
  return kept[-1][1]


@contextlib.contextmanager
def read_once() -> Iterator[None]:
  """Data sets of equal settings that are loaded inside are read once: runs share them.

  Example:
    >>> with read_once():                                          # doctest: +SKIP
    ...   same = build(config).data is build(config).data
  """
  token = _kept.set([])
  try:
    yield
  finally:
    _kept.reset(token)


def _asked(settings: Settings, read: Any) -> tuple[Any, ...]:
  """What a data set depends on: the settings, and what else the loader has put into ``read``."""
  if isinstance(read, functools.partial):
    function, given = read.func, [*read.args, *read.keywords.items()]
  else:
    function, given = read, [cell.cell_contents for cell in read.__closure__ or ()]
  others = [one for one in given if one is not settings]
  told = config_lib.to_dict(settings)
  return function.__code__, type(settings), told, settings.private, others


@dataclasses.dataclass(frozen=True)
class Examples:
  """What all kinds of data say of their N examples.

  Attributes:
    name: what the data set is called.
    id: name of each example.
    text: label of each as the source writes it, or another text that splits should be alike in.
    group: patient (or scaffold, family) of each; equal groups stay in one split.
    given: canonical split of each, '' where the source names none.
    metadata: other columns of each.
    classes: names in label order; empty where labels are numbers.
    strata: what splits should be alike in, where it is not ``text``.
    origin: what gives the splits, for errors.
    simulated: whether no patient stands behind them.
    known_groups: whether the source says the groups, so that one in two given splits is an error.
    train_all: whether every one of the strata must be among the training examples.
    notes: what was decided so far, one line each.
    split: of each example; empty until ``with_splits``.
    unreadable: why each case that cannot be read is left out, by its name.
    copies: of cases that are left out as they are the same as another one, that one, by name.
  """

  name: str
  id: Sequence[str]
  text: Sequence[str]
  group: Sequence[str]
  given: Sequence[str]
  metadata: Sequence[Mapping[str, str]]
  classes: Sequence[str] = ()
  strata: Sequence[str] | None = None
  origin: str = 'the data set'
  simulated: bool = False
  known_groups: bool = True
  train_all: bool = True
  notes: tuple[str, ...] = ()
  split: tuple[str, ...] = ()
  unreadable: Mapping[str, str] = dataclasses.field(default_factory=dict)
  copies: Mapping[str, str] = dataclasses.field(default_factory=dict)

  def with_splits(self, settings: Settings) -> 'Examples':
    """The same examples with splits: of a fold, or those that were given, or drawn ones; cases of
    another site are all in one.

    Spellings of one patient become one group first; see ``patients.key``. Notes say what was
    decided: of two classes, which is the positive one, and that joined names are classes.

    Raises:
      UserError: see ``split.choose``.
    """
    group, spelled = patients.one_each(self.group)
    if settings.external:
      read = dataclasses.replace(self.noting(*spelled), group=group, train_all=False)
      return dataclasses.replace(read, split=(split.EXTERNAL,) * len(group))
    where, notes = split.choose(
      settings,
      self.text if self.strata is None else self.strata,
      group,
      self.given,
      self.origin,
      train_all=self.train_all,
      check_overlap=self.known_groups,
      allow_overlap=settings.allow_group_overlap,
    )
    if self.train_all and len(self.classes) == 2:
      given = self.classes[1] if self.simulated else getattr(settings, 'positive', '')
      notes += positive.note(self.classes, given)
    if getattr(settings, 'joined_names', False):
      notes += joint.notes(self.classes)
    read = dataclasses.replace(self.noting(*spelled, *notes), group=group, split=tuple(where))
    return read.partly(settings)

  def partly(self, settings: Settings) -> 'Examples':
    """The same examples, of those to train on a share alone; see ``split.partly``.

    Raises:
      UserError: the share is 0, or leaves no training case of some class.
    """
    if settings.train_share == 1 or settings.external:
      return self
    strata = self.text if self.strata is None else self.strata
    seed = [settings.seed, settings.train_draw]
    if settings.train_share <= 0:
      raise UserError('config.data.train_share=0: expected more than 0 and at most 1')
    where = split.partly(self.split, strata, self.group, settings.train_share, seed)
    if self.train_all:
      trained = {text for text, name in zip(self.text, where, strict=True) if name == 'train'}
      if lost := [name for name in self.classes if name not in trained]:
        raise UserError(
          f'config.data.train_share={settings.train_share:g}: leaves no training case of class '
          f'{lost[0]!r}; expected more, or another config.data.train_draw'
        )
    used, of = where.count('train'), len(where) - sum(name in ('val', 'test') for name in where)
    note = f'trained on {used} of {of} cases: config.data.train_share={settings.train_share:g}'
    return dataclasses.replace(self.noting(note), split=tuple(where))

  def noting(self, *notes: str) -> 'Examples':
    """The same examples with further notes."""
    return dataclasses.replace(self, notes=(*self.notes, *notes))

  def in_order(self, numbers: Sequence[int]) -> 'Examples':
    """The examples of these numbers, in this order."""
    columns = ('id', 'text', 'group', 'given', 'metadata', 'strata', 'split')
    taken: dict[str, Any] = {
      name: tuple(values[number] for number in numbers)
      for name in columns
      if (values := getattr(self, name))
    }
    return dataclasses.replace(self, **taken)

  @property
  def in_train(self) -> np.ndarray:
    """Which examples are trained on, bool [N]."""
    return np.array([where == 'train' for where in self.split])

  def to_dataset(
    self,
    rows: Mapping[str, np.ndarray] | dataset.Readable,
    label: Any,
    modality: Modality,
    *,
    fingerprint: str = '',
    details: dict[str, Any] | None = None,
    decode: Callable[[Any], dict[str, np.ndarray]] | None = None,
    sizes: Mapping[str, np.ndarray] | None = None,
    axes: ragged.Axes | None = None,
  ) -> dataset.Dataset:
    """The data set of these examples.

    Args:
      rows: what travels to the device, arrays [N, ...] by name; or stored rows, with ``decode``.
      label: see ``dataset.Split``, as of the next ones, for all N examples.
      modality: the owner of the inputs.
      fingerprint: digest of everything that is stored; '' for that of arrays, names, labels as
        they were written, splits and classes.
      details: JSON values of which the modality and the task are made again.
      decode: see there.
      sizes: see there.
      axes: see there.
    """
    if not fingerprint:
      if not isinstance(rows, Mapping):
        raise ValueError('stored rows have a fingerprint of their own; expected it')
      about = [list(self.id), list(self.text), list(self.split), list(self.classes)]
      fingerprint = digest(*rows.values(), about)
    parts = memory.splits(
      self.split,
      rows,
      id=self.id,
      label=label,
      group=self.group,
      metadata=self.metadata,
      decode=decode,
      sizes=sizes,
      axes=axes,
    )
    return dataset.Dataset(
      self.name,
      parts,
      tuple(self.classes),
      fingerprint,
      self.simulated,
      modality,
      self.notes,
      details=details or {},
      unreadable=self.unreadable,
      copies=self.copies,
    )


def digest(*parts: np.ndarray | str | list[Any]) -> str:
  """Sixteen hexadecimal digits that change with any byte of arrays, texts and JSON values.

  Example:
    >>> digest(np.arange(3), ['a', 'b']) == digest(np.arange(3), ['a', 'c'])
    False
  """
  content = hashlib.blake2b(digest_size=8)
  for part in parts:
    if isinstance(part, np.ndarray):
      content.update(part.tobytes())
    else:
      content.update((part if isinstance(part, str) else json.dumps(part)).encode())
  return content.hexdigest()


def repeated(names: Sequence[str]) -> tuple[str, int] | None:
  """The most frequent name and how often it stands there, or None where all are different.

  Example:
    >>> repeated(['a', 'b', 'a']), repeated(['a', 'b'])
    (('a', 2), None)
  """
  (most,) = Counter(names).most_common(1) or [('', 0)]
  return most if most[1] > 1 else None


def label_scale(label: np.ndarray, in_train: np.ndarray) -> dict[str, float]:
  """Mean and standard deviation of training labels that are numbers, for ``details``.

  Args:
    label: of all examples, [N].
    in_train: which are trained on, bool [N].
  """
  known = label[in_train].astype(np.float64)
  return {'label_mean': float(known.mean()), 'label_scale': float(known.std()) or 1.0}
