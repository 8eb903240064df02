"""Sites of a study: the cases of one experiment divided among them, or an experiment of each."""

import copy
import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from medjax.data import split as split_lib
from medjax.data.dataset import Dataset, Split
from medjax.data.modality import Modality
from medjax.errors import UserError
from medjax.experiment import Experiment

COLUMN = 'site'  # of the metadata, by which the report shows subgroups
_TRIES = 200
_BINS = 3  # of labels that are numbers


@dataclasses.dataclass(frozen=True)
class Site:
  """One site.

  Attributes:
    name: of it.
    experiment: with its own cases of every split.
  """

  name: str
  experiment: Experiment

  def cases(self, split: str) -> int:
    """How many it has."""
    splits = self.experiment.data.splits
    return len(splits[split]) if split in splits else 0


def divide(experiment: Experiment, count: int, skew: float, seed: int) -> list[Site]:
  """The cases of an experiment by patient among sites that differ in size and in labels.

  Each label goes to the sites by shares drawn from a Dirichlet distribution, the same in every
  split. What the experiment fitted to its training cases holds at every site, as it would after
  sites had agreed on it.

  Args:
    experiment: with all cases.
    count: of sites.
    skew: concentration of the distribution: below 1 sites differ much, at 100 hardly.
    seed: of the draw.

  Raises:
    UserError: there are too few patients for sites that all have cases of every class.

  Source:
    Hsu et al. (2019), Measuring the Effects of Non-Identical Data Distribution for Federated
    Visual Classification, arXiv:1909.06335.
  """
  if count < 2:
    raise UserError(f'--sites={count}: expected at least 2, or sources joined by commas')
  if skew <= 0:
    raise UserError(f'--skew={skew:g}: expected more than 0')
  data = experiment.data
  kinds = {name: _kinds(one, data) for name, one in data.splits.items()}
  of_all = np.unique(np.concatenate([kind for _, kind in kinds.values()]))
  for attempt in range(_TRIES):
    random = np.random.default_rng([seed, attempt])
    shares = {int(kind): random.dirichlet(np.full(count, skew)) for kind in of_all}
    of_split = {
      name: _assign(groups, kind, shares, count, random) for name, (groups, kind) in kinds.items()
    }
    if all(_whole(kinds[name][1], of_split[name], count) for name in kinds):
      return [_part(experiment, number, of_split, kinds) for number in range(count)]
  fewest = min(len(groups) for groups, _ in kinds.values())
  raise UserError(
    f'--sites={count} --skew={skew:g}: no division gives every site cases of each class in every '
    f'split, whose smallest has {fewest} patients; expected fewer sites or a larger --skew'
  )


def _kinds(split: Split, data: Dataset) -> tuple[np.ndarray, np.ndarray]:
  """Names of the patients of a split, and what kind of label most of the cases of each have."""
  groups, number = np.unique(split.group, return_inverse=True)
  label = split.label
  if not isinstance(label, np.ndarray) or label.ndim != 1:
    return groups, np.zeros(len(groups), int)
  if np.issubdtype(label.dtype, np.integer):
    of_case = label.astype(int)
  else:
    train: Any = data.splits['train'].label
    of_case = np.searchsorted(np.nanquantile(train, np.arange(1, _BINS) / _BINS), label)
  counts = np.zeros((len(groups), int(of_case.max(initial=0)) + 1), int)
  np.add.at(counts, (number, np.maximum(of_case, 0)), 1)
  return groups, counts.argmax(axis=1)


def _assign(
  groups: np.ndarray,
  kind: np.ndarray,
  shares: dict[int, np.ndarray],
  count: int,
  random: np.random.Generator,
) -> np.ndarray:
  """The site of each patient."""
  site = np.zeros(len(groups), int)
  for one, share in shares.items():
    of_kind = random.permutation(np.flatnonzero(kind == one))
    ends = np.round(np.cumsum(share) * len(of_kind)).astype(int)[:-1]
    for number, some in enumerate(np.split(of_kind, ends)):
      site[some] = number
  return site


def _whole(kind: np.ndarray, site: np.ndarray, count: int) -> bool:
  """Whether every site has a patient of each kind that the split has."""
  found = {(int(s), int(k)) for s, k in zip(site, kind, strict=True)}
  return len(found) == count * len(np.unique(kind))


def _part(experiment: Experiment, number: int, of_split: Any, kinds: Any) -> Site:
  name, data = f'site-{number + 1}', experiment.data
  splits = {}
  for where, one in data.splits.items():
    groups, _ = kinds[where]
    own = of_split[where][np.searchsorted(groups, one.group)] == number
    splits[where] = one.take(np.flatnonzero(own))
  return Site(name, dataclasses.replace(experiment, data=_of(data, splits, name)))


def _of(data: Dataset, splits: dict[str, Split], name: str) -> Dataset:
  """A data set of other examples than it has, with another fingerprint."""
  about = [data.fingerprint, name, {key: one.id.tolist() for key, one in splits.items()}]
  fingerprint = hashlib.blake2b(json.dumps(about).encode(), digest_size=8).hexdigest()
  truth = None  # is told by number of the example, which is another one here
  return dataclasses.replace(data, splits=splits, fingerprint=fingerprint, truth=truth)


def of_sources(
  config: Any, build: Callable[[Any], Experiment], sources: Sequence[str]
) -> tuple[list[Site], list[str]]:
  """An experiment for each source, all with the same inputs and classes.

  What is fitted to training cases, such as means of columns, is agreed on by all sites; see
  ``Modality.agreed``.

  Args:
    config: of the experiment, whose ``data.source`` is each of these in turn.
    build: makes the experiment of settings.
    sources: files or folders.

  Returns:
    The sites, and notes on what they agreed on.

  Raises:
    UserError: the data have no source, or classes or what cannot be agreed on differ.
  """
  if not hasattr(config.data, 'source'):
    raise UserError('--sites: the data of this experiment have no source of their own')
  if len(set(sources)) < len(sources):
    raise UserError('--sites: a source stands twice; expected each once')

  def built(agreed: Any) -> list[Experiment]:
    found = []
    for source in sources:
      data = copy.copy(config.data)
      data.source, data.agreed = source, agreed
      found.append(build(dataclasses.replace(config, data=data)))
    return found

  first = built(None)
  _require_alike(first, sources)
  data = [one.data for one in first]
  agreed, notes = data[0].details, list[str]()
  if any(one.details != agreed for one in data):  # others than those that were told before
    agreed, notes = type(data[0].modality).agreed(
      [one.details for one in data], [len(one.splits['train']) for one in data], sources
    )
  own = all(one.details == agreed for one in data) and not agreed.get('private')
  found = first if own else built(agreed)
  return [Site(f'site-{i}', one) for i, one in enumerate(found, start=1)], notes


def _require_alike(found: Sequence[Experiment], sources: Sequence[str]) -> None:
  first = found[0].data
  for source, one in zip(sources, found, strict=True):
    if one.data.classes != first.classes:
      raise UserError(
        f'--sites: classes of {source} are {", ".join(one.data.classes) or "none"}; those of '
        f'{sources[0]} {", ".join(first.classes) or "none"}'
      )
    if shapes(one.data) != shapes(first):
      raise UserError(f'--sites: examples of {source} have other shapes than those of {sources[0]}')


def shapes(data: Dataset) -> dict[str, Any]:
  """Arrays of an example that have to be as large at every site, as in 'float32[4]'.

  Those that are as large in every example, where the kind of data does not agree on inputs.
  """
  if type(data.modality).agreed is not Modality.agreed:
    return {}
  ragged = {name for split in data.splits.values() for name in split.axes}
  spelled = data.summary()['example']
  return {name: spec for name, spec in spelled.items() if name not in ragged}


def marked(experiment: Experiment, sites: Sequence[Site]) -> Experiment:
  """An experiment that was divided, with the site of each case in its metadata."""
  data = experiment.data
  splits = {}
  for name, split in data.splits.items():
    of = {i: site.name for site in sites for i in site.experiment.data.splits[name].id.tolist()}
    cells = [of[i] for i in split.id.tolist()]
    splits[name] = dataclasses.replace(split, metadata=split.metadata | {_column(split): cells})
  return dataclasses.replace(experiment, data=dataclasses.replace(data, splits=splits))


def of_cases(everyone: Experiment, split: str) -> dict[str, str]:
  """The site of each case of a split, by the name of the case, of an experiment of all sites."""
  one = everyone.data.splits[split]
  column = next(name for name in reversed(one.metadata) if name in (COLUMN, f'federated {COLUMN}'))
  return dict(zip(one.id.tolist(), one.metadata[column], strict=True))


def _column(split: Split) -> str:
  return COLUMN if COLUMN not in split.metadata else f'federated {COLUMN}'


def pooled(sites: Sequence[Site]) -> Experiment:
  """The experiment with the cases of all sites, and of each case the site in its metadata.

  It is what a federation is compared with and judged on; no site trains on it. Where two sites have
  a case of the same name, cases and patients are called by their site as well.
  """
  first = sites[0].experiment
  names = [name for name in split_lib.SPLITS if all(site.cases(name) for site in sites)]
  splits = {name: _joined(name, sites) for name in names}
  data = _of(first.data, splits, 'all')
  return dataclasses.replace(first, data=data)


def _joined(name: str, sites: Sequence[Site]) -> Split:
  parts = [site.experiment.data.splits[name] for site in sites]
  first = parts[0]
  ids = np.concatenate([part.id for part in parts])
  groups = np.concatenate([part.group for part in parts])
  if len(set(ids.tolist())) < len(ids):  # such as 1.png of two sites
    prefixes = np.repeat([f'{site.name}/' for site in sites], [len(part) for part in parts])
    ids, groups = np.char.add(prefixes, ids), np.char.add(prefixes, groups)
  columns = dict.fromkeys(key for part in parts for key in part.metadata)
  column = COLUMN if COLUMN not in columns else f'federated {COLUMN}'
  metadata = {
    key: [cell for part in parts for cell in part.metadata.get(key, [''] * len(part))]
    for key in columns
  }
  metadata[column] = [site.name for site, part in zip(sites, parts, strict=True) for _ in part.id]
  labels: Any = [part.label for part in parts]
  return dataclasses.replace(
    first,
    source=_Chained(parts),
    decode=lambda row: row,
    id=ids,
    label=jax.tree.map(lambda *leaves: np.concatenate(leaves), *labels),
    group=groups,
    metadata=metadata,
    sizes={axis: np.concatenate([part.sizes[axis] for part in parts]) for axis in first.sizes},
  )


class _Chained:
  """Decoded examples of several splits one after another."""

  def __init__(self, parts: Sequence[Split]):
    self._parts = parts
    self._ends = np.cumsum([len(part) for part in parts])

  def __len__(self) -> int:
    return int(self._ends[-1])

  def __getitems__(self, keys: Sequence[int]) -> list[dict[str, Any]]:
    found = []
    for key in keys:
      place = int(np.searchsorted(self._ends, key, side='right'))
      part = self._parts[place]
      number = key - (self._ends[place - 1] if place else 0)
      found.append(part.decode(part.source.__getitems__([int(number)])[0]))
    return found


def told(sites: Sequence[Site]) -> list[str]:
  """A line for each site: its cases, and of how many patients.

  Example:
    >>> told(sites)                                                # doctest: +SKIP
    ['site-1: 120 training cases of 80 patients (normal 100, pneumonia 20), 30 val, 40 test']
  """
  return [spell(site.name, site.experiment.data.summary()['splits']) for site in sites]


def spell(name: str, splits: Mapping[str, Mapping[str, Any]]) -> str:
  """A line on a site.

  Args:
    name: of it.
    splits: of each how many examples and groups it has, and examples of each class.

  Example:
    >>> spell('north', {'train': {'examples': 9, 'groups': 7, 'classes': {'well': 9}}})
    'north: 9 training cases of 7 patients (well 9)'
  """
  train = splits['train']
  classes = ', '.join(f'{label} {n}' for label, n in train['classes'].items())
  others = ''.join(
    f', {about["examples"]} {one}' for one, about in splits.items() if one != 'train'
  )
  return (
    f'{name}: {train["examples"]} training cases of {train["groups"]} '
    f'patients{f" ({classes})" if classes else ""}{others}'
  )
