"""Pairs of a drug and a target as examples: a table, or simulated."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import numpy as np

from medjax.data import dataset, examples, ragged, split
from medjax.data.binding import domain, reading, splits
from medjax.data.binding.config import Config
from medjax.data.binding.modality import DrugTargetPairs
from medjax.data.binding.reading import Pairs, Simulator
from medjax.data.binding.splits import Groups
from medjax.data.binding.store import Store
from medjax.data.examples import Examples
from medjax.data.molecules import Molecules, graphs
from medjax.data.molecules.features import Features
from medjax.data.molecules.standard import Standard


def load(
  config: Config, *, simulator: Simulator | None = None, graph: bool = False
) -> dataset.Dataset:
  """The pairs that ``config.source`` names, with their affinity as a number.

  Each drug and each target is read and kept once, however many pairs it is in.

  Args:
    config: the source and how to read it.
    simulator: (seed, drugs, targets) -> cells by column, with 'smiles', 'sequence' and 'affinity';
      stands behind 'simulated'.
    graph: whether the network sees drugs as graphs, see ``molecules.graphs.inputs``.

  Returns:
    The data set, with inputs {'drug': as of ``molecules.load``, 'target': float32 [L, 20]}.
    ``details`` holds how pairs are read, the rows that were left out and why, and mean and
    standard deviation of training labels.

  Raises:
    UserError: one line that names the file, row or column and what was expected.

  Example:
    >>> data = load(Config(source='davis.csv', affinity='minus_log10_nM'))       # doctest: +SKIP
  """
  read = functools.partial(_read, config, simulator, graph)
  return examples.load(config, DrugTargetPairs.from_details, read)


def _read(config: Config, simulator: Simulator | None, graph: bool) -> dataset.Dataset:
  pairs = reading.read(config, simulator)
  groups = splits.find_groups(config, pairs)
  chosen = splits.choose(config, pairs, groups, split.quarters(pairs.affinity))
  kept = chosen.kept
  drug, target, label = pairs.drug[kept], pairs.target[kept], pairs.affinity[kept]
  of = Groups(groups.drug[kept], groups.target[kept], groups.notes)
  ids = [pairs.place[i].replace(' ', '-') for i in kept]
  read = Examples(
    pairs.name,
    ids,
    [repr(value) for value in label.tolist()],
    chosen.group,
    chosen.given,
    [_metadata(pairs, i) for i in kept],
    strata=split.quarters(label),
    origin=pairs.origin or f'config.data.split={config.split}',
    simulated=config.source == 'simulated',
    known_groups=False,  # what two given splits share is noted by ``splits``
    train_all=False,
    notes=(*pairs.notes, *of.notes, *chosen.notes),
    unreadable=pairs.left_out,
    copies={copy.replace(' ', '-'): of.replace(' ', '-') for copy, of in pairs.copy_of.items()},
  ).with_splits(config)
  unit, names = _clusters(read.split, of)
  read = dataclasses.replace(read, group=names).noting(
    *splits.shared(read.split, of),
    f'intervals are over {unit}s, each with all its pairs',
    *_cut(config, pairs),
  )
  longest = max(len(pairs.tokens[i]) for i in np.unique(target))
  features = Features(config.radius, config.bits, config.counts, graph=graph)
  standard = Standard(config.tautomers, config.stereo, config.max_atoms)
  modality = DrugTargetPairs(
    Molecules(standard, features, config.smiles_column),
    min(config.max_residues, longest),
    config.keep,
    config.sequence_column,
  )
  drugs = [features.arrays(one.mol, one.smiles) for one in pairs.molecules]
  tokens = np.stack([modality.tokens(chain) for chain in pairs.tokens])
  bits = np.stack([arrays['counts'] > 0 for arrays in drugs]).astype(np.uint8)
  limits = domain.fit(bits, tokens, drug, target, read.split, config.outside)
  modality = dataclasses.replace(modality, domain=limits)
  stored = Store(drugs, tokens, drug, target)
  scale = examples.label_scale(label, read.in_train)
  return read.to_dataset(
    stored,
    label,
    modality,
    decode=stored.decode,
    fingerprint=_digest(drugs, tokens, drug, target, label, [ids, list(read.split)]),
    details={**modality.details(), 'left_out': pairs.left_out, **scale},
    sizes=_sizes(drugs, drug) if graph else {},
    axes=modality.axes,
  )


def _metadata(pairs: Pairs, row: int) -> dict[str, str]:
  """What predictions of a pair are written with; the chain itself would be most of the file."""
  names = {'drug': f'drug-{pairs.drug[row]}', 'target': f'target-{pairs.target[row]}'}
  return {**names, **pairs.cells[row], 'smiles': pairs.molecules[pairs.drug[row]].smiles}


def _clusters(where: Sequence[str], of: Groups) -> tuple[str, list[str]]:
  """What intervals are over: drugs or targets, whichever are new in test, or else the fewer."""
  train = np.asarray(where) == 'train'
  by_unit = {'drug': of.drug, 'target': of.target}
  unit = min(
    by_unit,
    key=lambda name: (
      bool(np.isin(by_unit[name][~train], by_unit[name][train]).any()),
      len(np.unique(by_unit[name])),
    ),
  )
  return unit, [f'{unit}-{number}' for number in by_unit[unit]]


def _cut(config: Config, pairs: Pairs) -> list[str]:
  lengths = [len(chain) for chain in pairs.tokens]
  cut = sum(length > config.max_residues for length in lengths)
  if not cut:
    return []
  taken = 'their middle is' if config.keep == 'middle' else 'their ends are'
  return [
    f'{cut} of {len(lengths)} targets have more than {config.max_residues} residues, up to '
    f'{max(lengths)}: {taken} taken (config.data.max_residues)'
  ]


def _sizes(drugs: Sequence[Mapping[str, np.ndarray]], drug: np.ndarray) -> dict[str, np.ndarray]:
  """The size of each axis of graphs, of each pair."""
  sizes = [ragged.sizes(one, graphs.AXES) for one in drugs]
  return {axis: np.array([one[axis] for one in sizes])[drug] for axis in sizes[0]}


def _digest(drugs: Sequence[Mapping[str, np.ndarray]], *parts: np.ndarray | list[object]) -> str:
  return examples.digest(*(array for one in drugs for array in one.values()), *parts)
