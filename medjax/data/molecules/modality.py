"""Molecules: read from files of structures, fed as fingerprints or graphs."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from medjax.data import ragged
from medjax.data.modality import (
  Case,
  Drawing,
  Exchanged,
  MatchedPair,
  Modality,
  of_json,
  opened,
)
from medjax.data.molecules import explained, graphs, matched_pairs, records
from medjax.data.molecules.domain import Domain
from medjax.data.molecules.features import Features, read_back
from medjax.data.molecules.presence import Presence
from medjax.data.molecules.standard import Standard
from medjax.errors import UserError
from medjax.explain import Method, Score
from medjax.outcomes import SimpleModel
from medjax.plots import molecule

_CHARGES = {'neutral': 'neutralised by RDKit', 'keep': 'with its charges'}


@dataclasses.dataclass(frozen=True)
class Molecules(Modality):
  """Molecules, each of which becomes float32 [bits + descriptors], or a graph.

  Attributes:
    standard: how a structure becomes a molecule.
    features: what the network sees of it.
    smiles_column: of tables; '' to find it.
    domain: where the model may be asked; None where that is not known.
  """

  standard: Standard
  features: Features
  smiles_column: str = ''
  domain: Domain | None = None

  cases: ClassVar[str] = 'molecules'
  usual_method: ClassVar[str] = 'kernel_shap'
  layout: ClassVar[Literal['', 'wide', 'long']] = 'wide'
  always_drawn: ClassVar[bool] = True
  aligned: ClassVar[bool] = False

  @classmethod
  def from_details(cls, details: Mapping[str, Any]) -> 'Molecules':
    """What ``details`` gave."""
    seen = Features.from_details(details['features'])
    domain = Domain.from_details(details['domain']) if details.get('domain') else None
    return cls(Standard(**details['standard']), seen, details['smiles_column'], domain)

  def details(self) -> dict[str, Any]:
    """JSON values, which ``from_details`` reads back."""
    return {
      'standard': dataclasses.asdict(self.standard),
      'features': self.features.details(),
      'smiles_column': self.smiles_column,
      'domain': dataclasses.asdict(self.domain) if self.domain else None,
    }

  @property
  def axes(self) -> ragged.Axes:  # type: ignore[override]
    """Atoms, bonds and degrees of graphs."""
    return graphs.AXES if self.features.graph else {}

  def chemistry(self, what: str) -> 'Molecules':
    """See ``Modality``."""
    return self

  def inputs(self, batch: dict[str, Any]) -> Any:
    """See ``Features.inputs``."""
    return self.features.inputs(batch)

  def open(self, names: Sequence[str]) -> list[Case]:
    """The molecules of files; a word that is no file and a SMILES is a molecule itself."""
    return opened(names, self._of_name)

  @property
  def json_schema(self) -> Mapping[str, Any]:
    """A SMILES, or a mol block."""
    return {'type': 'string', 'minLength': 1}

  def open_json(self, values: Sequence[Any]) -> list[Case]:
    """Molecules, each a text."""
    return of_json(values, str, 'a SMILES', self._case)

  def _of_name(self, name: str) -> list[Case]:
    return [self._case(*one) for one in records.named(name, self.smiles_column)]

  def _case(self, where: str, structure: str) -> Case:
    def load() -> dict[str, np.ndarray]:
      try:
        found = self.standard.molecule(structure)
        return self.features.arrays(found.mol, found.smiles)
      except UserError as error:
        raise UserError(f'{where}: {error}') from None

    several = '\n' not in structure and '.' in structure
    return Case(where, load, 'has several fragments: the largest is taken' if several else '')

  @functools.cached_property
  def methods(self) -> Mapping[str, Method]:  # type: ignore[override]
    """See ``explained``; of molecules, as ``explained_inputs`` gives them."""
    return explained.methods(self._presence)

  @functools.cached_property
  def _presence(self) -> Presence:
    return Presence(self.features)

  def explained_inputs(self, batch: dict[str, Any]) -> list[Any]:
    """Molecules, None for one too large to be kept."""
    return [read_back(text) for text in np.asarray(batch['smiles'])]

  def exchanged(self, score: Score, seen: Any, what: str) -> list[Exchanged]:
    """Molecules by which of their atoms are there, [1, atoms, 1]."""
    found = []
    for mol in seen:
      if mol is None:
        raise UserError(f'{what}: a molecule is too large to be explained; expected fewer --cases')
      x = np.ones((1, mol.GetNumAtoms(), 1), np.float32)
      found.append(Exchanged(self._presence.of_atoms(score, mol), x, np.zeros_like(x)))
    return found

  def draw(self, arrays: dict[str, np.ndarray]) -> Drawing | None:
    """The structure."""
    mol = read_back(arrays['smiles'])
    return None if mol is None else molecule.svg(mol)

  def draw_explained(
    self, arrays: dict[str, np.ndarray], attribution: np.ndarray, method: str
  ) -> Drawing | None:
    """The structure with what each atom adds."""
    mol = read_back(arrays['smiles'])
    return None if mol is None else molecule.svg(mol, attribution)

  def caption(self, method: str) -> str:
    """See ``explained.caption``."""
    return explained.caption(method)

  @property
  def simple_models(self) -> Sequence[SimpleModel]:
    """Boosted trees, a random forest and a linear model."""
    seen = f'counts of ECFP, radius {self.features.radius}, {self.features.bits} places'
    if self.features.descriptors:
      seen += ', and descriptors of RDKit'
    return tuple(SimpleModel(learner, seen) for learner in ('boosting', 'forest', 'linear'))

  def simple_features(self, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Counts and descriptors, [N, D]."""
    return self.features.plain(arrays)

  def matched_pairs(self, read: Callable[[], dict[str, np.ndarray]]) -> Sequence[MatchedPair]:
    """See ``matched_pairs.matched_pairs``; a molecule too large to be kept is in none."""
    return matched_pairs.matched_pairs([read_back(text) for text in read()['smiles']])

  def preparation(self, shapes: str) -> str:
    """What the model card says of the inputs."""
    seen = 'atoms and bonds' if self.features.graph else ''
    if self.features.fingerprint_too or not seen:
      seen += f'{" and " if seen else ""}ECFP ({self.features.counts})'
    return (
      f'{shapes}: {seen} of the largest fragment, {_CHARGES[self.standard.charges]}; '
      f'tautomers: {self.standard.tautomers}, stereochemistry: {self.standard.stereo}'
      f'{"; applicability domain: " + self.domain.about if self.domain else ""}'
    )
