"""Molecules: read from files of structures, fed as fingerprints or graphs."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from medjax.data import ragged
from medjax.data.modality import Case, Modality, opened
from medjax.data.molecules import graphs, records
from medjax.data.molecules.features import Features
from medjax.data.molecules.standard import Standard
from medjax.errors import UserError
from medjax.outcomes import SimpleModel


@dataclasses.dataclass(frozen=True)
class Molecules(Modality):
  """Molecules, each of which becomes float32 [bits + descriptors], or a graph.

  Attributes:
    standard: how a structure becomes a molecule.
    features: what the network sees of it.
    smiles_column: of tables; '' to find it.
  """

  standard: Standard
  features: Features
  smiles_column: str = ''

  cases: ClassVar[str] = 'molecules'

  @classmethod
  def from_details(cls, details: Mapping[str, Any]) -> 'Molecules':
    """What ``details`` gave."""
    features = Features.from_details(details['features'])
    return cls(Standard(**details['standard']), features, details['smiles_column'])

  def details(self) -> dict[str, Any]:
    """JSON values, which ``from_details`` reads back."""
    return {
      'standard': dataclasses.asdict(self.standard),
      'features': self.features.details(),
      'smiles_column': self.smiles_column,
    }

  @property
  def axes(self) -> ragged.Axes:  # type: ignore[override]
    """Atoms, bonds and degrees of graphs."""
    return graphs.AXES if self.features.graph else {}

  def inputs(self, batch: dict[str, Any]) -> Any:
    """See ``Features.inputs``."""
    return self.features.inputs(batch)

  def open(self, names: Sequence[str]) -> list[Case]:
    """The molecules of files; a word that is no file and a SMILES is a molecule itself."""
    return opened(names, self._of_name)

  def _of_name(self, name: str) -> list[Case]:
    path = pathlib.Path(name)
    if not records.is_file(path) and not name.lower().removesuffix('.gz').endswith(records.ENDINGS):
      return [self._case(name, name)]
    file = records.read(path, self.smiles_column, required=False)
    return [self._case(f'{name} {one.place}', one.structure) for one in file.records]

  def _case(self, where: str, structure: str) -> Case:
    def load() -> dict[str, np.ndarray]:
      try:
        return self.features.arrays(self.standard.molecule(structure).mol)
      except UserError as error:
        raise UserError(f'{where}: {error}') from None

    several = '\n' not in structure and '.' in structure
    return Case(where, load, 'has several fragments: the largest is taken' if several else '')

  @property
  def simple_models(self) -> Sequence[SimpleModel]:
    """Boosted trees and a linear model."""
    features = f'counts of ECFP, radius {self.features.radius}, {self.features.bits} places'
    if self.features.descriptors:
      features += ', and descriptors of RDKit'
    return (SimpleModel('boosting', features), SimpleModel('linear', features))

  def simple_features(self, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Counts and descriptors, [N, D]."""
    return self.features.plain(arrays)

  def preparation(self, shapes: str) -> str:
    """What the model card says of the inputs."""
    seen = 'atoms and bonds' if self.features.graph else f'ECFP ({self.features.counts})'
    return (
      f'{shapes}: {seen} of the largest fragment, neutralised by RDKit; '
      f'tautomers: {self.standard.tautomers}, stereochemistry: {self.standard.stereo}'
    )
