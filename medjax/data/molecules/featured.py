"""What a network sees of all molecules, made in several processes where they are many."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from medjax.data.molecules import descriptors, domain, graphs, many
from medjax.data.molecules.config import Config
from medjax.data.molecules.features import Features
from medjax.data.molecules.modality import Molecules
from medjax.data.molecules.reading import Entry
from medjax.data.molecules.standard import Standard

# Molecules from which several processes are worth their start, without and with descriptors.
_MANY, _MANY_DESCRIBED = 20_000, 2_000


def featured(
  config: Config,
  standard: Standard,
  features: Features,
  entries: Sequence[Entry],
  where: Sequence[str],
) -> tuple[Molecules, dict[str, np.ndarray], dict[str, np.ndarray]]:
  """The owner of the inputs, fitted to training molecules; the arrays of all, and their sizes.

  Args:
    config: whether there are descriptors, and what is outside of the domain.
    standard: how structures became these molecules.
    features: what the network sees, descriptors left out.
    entries: the molecules.
    where: the split of each.

  Raises:
    UserError: a molecule has no graph, or RDKit lacks a descriptor of a finished run.
  """
  known = None if config.fitted is None else Molecules.from_details(config.fitted)
  names = descriptors.every() if config.descriptors else []
  found = [(one.molecule.mol, one.molecule.smiles, one.place) for one in entries]
  work = functools.partial(_seen, features, names)
  rows = many.spread(work, found, _MANY_DESCRIBED if names else _MANY)
  arrays = {key: np.stack([row.pop(key) for row in rows]) for key in ('counts', 'smiles')}
  if names:
    raw = np.stack([row.pop('raw') for row in rows])
    of_run = known.features.descriptors if known else None
    fitted = of_run or descriptors.fit(raw[np.asarray(where) == 'train'], names)
    features = dataclasses.replace(features, descriptors=fitted)
    arrays['descriptors'] = fitted.scaled(raw[:, [names.index(name) for name in fitted.names]])
  sizes: dict[str, np.ndarray] = {}
  if features.graph:
    graphs_of_all, sizes = graphs.stack(rows)
    arrays |= graphs_of_all
  if known is not None:
    return known, arrays, sizes
  limits = domain.fit((arrays['counts'] > 0).astype(np.uint8), where, config.outside)
  return Molecules(standard, features, config.smiles_column, limits), arrays, sizes


def _seen(
  features: Features, names: Sequence[str], molecules: Sequence[tuple[Any, str, str]]
) -> list[dict[str, np.ndarray]]:
  """Arrays of each molecule, SMILES and place; 'raw' are descriptors of these names as they are."""
  rows = []
  for mol, smiles, place in molecules:
    rows.append(features.arrays(mol, smiles, place))
    if names:
      rows[-1]['raw'] = descriptors.values(mol, names)
  return rows
