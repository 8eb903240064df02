"""Molecules as examples: tables, .smi and .sdf files, or simulated."""

import functools
from collections.abc import Sequence

import numpy as np

from medjax.data import dataset, examples, split
from medjax.data.examples import Examples
from medjax.data.images import label_sets
from medjax.data.molecules import domain, duplicates, reading, splits, targets
from medjax.data.molecules.config import Config
from medjax.data.molecules.featured import featured
from medjax.data.molecules.features import Features
from medjax.data.molecules.messages import joined
from medjax.data.molecules.modality import Molecules
from medjax.data.molecules.reading import Entry, Simulator
from medjax.data.molecules.records import File
from medjax.data.molecules.standard import Standard
from medjax.data.molecules.truth import Truth, with_truth
from medjax.errors import UserError


def load(
  config: Config,
  *,
  simulator: Simulator | None = None,
  truth: Truth | None = None,
  graph: bool = False,
  fingerprint: bool = False,
) -> dataset.Dataset:
  """The molecules that ``config.source`` names, with what is known of them.

  Args:
    config: the source and how to read it.
    simulator: (seed, molecules) -> cells by column, 'smiles' and 'label'; stands behind
      'simulated'.
    truth: of a simulated ``rdkit.Chem.Mol`` which atoms matter, bool [atoms].
    graph: whether the network sees molecules as graphs, see ``graphs.inputs``.
    fingerprint: whether it sees the fingerprint beside the graph.

  Returns:
    The data set, with inputs float32 [bits + descriptors], or graphs. ``details`` holds how
    molecules are read, the label columns, the rows that were left out and why, and mean and
    standard deviation of training labels that are numbers.

  Raises:
    UserError: one line that names the file, row or column and what was expected.

  Example:
    >>> data = load(Config(source='bace.csv'))  # doctest: +SKIP
  """
  features = Features(
    config.radius, config.bits, config.counts, graph=graph, fingerprint_too=graph and fingerprint
  )
  read = functools.partial(_read, config, simulator, features)
  return with_truth(examples.load(config, Molecules.from_details, read), truth)


def _read(config: Config, simulator: Simulator | None, features: Features) -> dataset.Dataset:
  file, name = reading.source(config, simulator)
  columns = targets.columns(config, file)
  named, origin = splits.given(config, file)
  standard = Standard(config.tautomers, config.stereo, config.max_atoms, config.charges)
  entries, left_out, notes = reading.standardised(config, file, standard)
  if any(named):
    entries, new_notes = _in_splits(config, file, entries, named, origin)
    notes += new_notes
  labels = targets.encode(config, file, entries, columns)
  entries = [entries[i] for i in labels.kept]
  merged = duplicates.merge(
    [(one.molecule.smiles, named[one.number]) for one in entries],
    labels.values,
    [one.place for one in entries],
    config.conflicts,
    str(file.path),
  )
  if not merged.kept:
    raise UserError(f'{file.path}: no molecule is left, as all have different labels')
  ids = reading.ids(config, entries)
  entries = [entries[i] for i in merged.kept]
  text, strata = _texts(merged.values, labels.classes)
  chosen = splits.choose(config, file, entries, [named[one.number] for one in entries], strata)
  read = Examples(
    name,
    [ids[i] for i in merged.kept],
    text,
    chosen.group,
    chosen.given,
    reading.metadata(entries, columns),
    labels.classes,
    strata=strata,
    origin=origin or f'config.data.split={config.split}',
    simulated=config.source == 'simulated',
    known_groups=False,  # near copies in two given splits are noted by ``splits``
    train_all=bool(labels.classes) and merged.values.ndim == 1,
    notes=(
      *file.notes,
      *notes,
      *([f'label: {", ".join(columns)}'] if columns else []),
      *labels.notes,
      *merged.notes,
      *chosen.notes,
    ),
    unreadable=left_out,
    copies={ids[row]: ids[first] for row, first in merged.copy_of.items()},
  ).with_splits(config)
  if config.fitted is None:
    read = read.noting(*domain.notes([one.molecule.mol for one in entries], read.split))
  modality, arrays, sizes = featured(config, standard, features, entries, read.split)
  if config.fitted is not None:
    return read.to_dataset(
      arrays, merged.values, modality, details=config.fitted, sizes=sizes, axes=modality.axes
    )
  facts = {'mean_atoms': float(sizes['atoms'][read.in_train].mean())} if features.graph else {}
  facts |= {} if labels.classes else examples.label_scale(merged.values, read.in_train)
  details = {**modality.details(), 'labels': columns, 'left_out': left_out, **facts}
  return read.to_dataset(
    arrays, merged.values, modality, details=details, sizes=sizes, axes=modality.axes
  )


def _in_splits(
  config: Config, file: File, entries: list[Entry], named: Sequence[str], origin: str
) -> tuple[list[Entry], list[str]]:
  """The entries that are in a given split, and a note on the others.

  Raises:
    UserError: a column names no split for some, or a file for none.
  """
  without = [one.place for one in entries if not named[one.number]]
  if not without:
    return entries, []
  if not config.split_file:
    raise UserError(f'{file.path}: no split in {joined(without)}; expected one in every row')
  if len(without) == len(entries):
    raise UserError(f'{origin}: no molecule of {file.path} is in a split; expected row numbers')
  note = f'{len(without)} molecules are in no split of {origin}, left out: {joined(without)}'
  return [one for one in entries if named[one.number]], [note]


def _texts(values: np.ndarray, classes: Sequence[str]) -> tuple[list[str], list[str]]:
  """Labels as texts, those of several as ``label_sets`` has them, and what splits are alike in."""
  if values.ndim == 2:
    texts = [_several(row, classes) for row in values.tolist()]
    return texts, label_sets.strata(texts)
  if classes:
    texts = [classes[value] for value in values.tolist()]
    return texts, texts
  return [repr(value) for value in values.tolist()], split.quarters(values)


def _several(row: Sequence[float], classes: Sequence[str]) -> str:
  """The classes of a molecule, and behind a question mark those that are not known."""
  marks = ['' if value == 1 else label_sets.UNKNOWN for value in row]
  return label_sets.SEPARATOR.join(
    mark + name for mark, name, value in zip(marks, classes, row, strict=True) if value != 0
  )
