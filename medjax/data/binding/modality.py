"""Pairs of a drug and a target: read from tables, fed as a fingerprint or graph and a chain."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from medjax.data import ragged, tables
from medjax.data.binding import columns, store
from medjax.data.binding.domain import PairDomain
from medjax.data.looks import Looks
from medjax.data.modality import Case, Drawing, Modality, of_json, opened
from medjax.data.molecules import Molecules, records
from medjax.data.molecules.records import Record
from medjax.data.sequences import fasta
from medjax.data.sequences.alphabet import PADDING, PROTEIN
from medjax.data.sequences.encoder import fit, one_hot
from medjax.errors import UserError
from medjax.outcomes import SimpleModel

_SMILES, _CHAIN = 'smiles', 'sequence'  # of a pair in JSON
_NUMBERS = 2  # of drug and target, before the other columns that simple models see


@dataclasses.dataclass(frozen=True)
class DrugTargetPairs(Modality):
  """Pairs, each of which becomes what ``Molecules`` gives and one-hot residues.

  Attributes:
    molecules: how drugs are read and fed.
    residues: of a chain that are looked at, padding included.
    keep: which of a longer chain: 'middle' or 'ends'.
    sequence_column: of tables; '' to find it.
    domain: where the model may be asked; None where that is not known.
  """

  molecules: Molecules
  residues: int
  keep: str = 'middle'
  sequence_column: str = ''
  domain: PairDomain | None = None

  cases: ClassVar[str] = 'pairs'
  layout: ClassVar[Literal['', 'wide', 'long']] = 'wide'
  always_drawn: ClassVar[bool] = True
  aligned: ClassVar[bool] = False

  @classmethod
  def from_details(cls, details: Mapping[str, Any]) -> 'DrugTargetPairs':
    """What ``details`` gave."""
    return cls(
      Molecules.from_details(details['molecules']),
      details['residues'],
      details['keep'],
      details['sequence_column'],
      PairDomain.from_details(details['domain']) if details['domain'] else None,
    )

  def details(self) -> dict[str, Any]:
    """JSON values, which ``from_details`` reads back."""
    return {
      'molecules': self.molecules.details(),
      'residues': self.residues,
      'keep': self.keep,
      'sequence_column': self.sequence_column,
      'domain': dataclasses.asdict(self.domain) if self.domain else None,
    }

  @property
  def axes(self) -> ragged.Axes:  # type: ignore[override]
    """Atoms, bonds and degrees of graphs; residues are as many in every pair."""
    return self.molecules.axes

  def inputs(self, batch: dict[str, Any]) -> dict[str, Any]:
    """'drug': see ``Molecules.inputs``; 'target': float32 [B, residues, 20], see ``one_hot``."""
    return {'drug': self.molecules.inputs(batch), 'target': one_hot(PROTEIN, batch)}

  def tokens(self, chain: np.ndarray) -> np.ndarray:
    """Tokens of a chain as the network sees them, uint8 [residues]."""
    return fit(chain, self.residues, self.keep)

  def open(self, names: Sequence[str]) -> list[Case]:
    """The pairs of tables, with columns as training had them, or found as there."""
    return opened(names, self._of_table)

  @property
  def json_schema(self) -> Mapping[str, Any]:
    """An object with a SMILES and the residues of a chain."""
    text = {'type': 'string', 'minLength': 1}
    return {
      'type': 'object',
      'properties': {_SMILES: text, _CHAIN: text},
      'required': [_SMILES, _CHAIN],
    }

  def open_json(self, values: Sequence[Any]) -> list[Case]:
    """Pairs as objects."""
    return of_json(values, dict, f'an object with {_SMILES} and {_CHAIN}', self._written)

  def _written(self, name: str, value: dict[str, Any]) -> Case:
    for field in (_SMILES, _CHAIN):
      if not isinstance(value.get(field), str):
        raise UserError(f'{name}: {field} is missing or no text; expected one')
    return self._case(name, Record(0, name, value[_SMILES], {_CHAIN: value[_CHAIN]}), _CHAIN)

  def _of_table(self, name: str) -> list[Case]:
    path = pathlib.Path(name)
    if not name.lower().endswith(tables.ENDINGS):
      raise UserError(f'{name}: expected a table with a SMILES and a protein in each row')
    file = records.read(path, self.molecules.smiles_column, required=False)
    cells = [one.cells for one in file.records]
    asked = tables.column(path, file.header, self.sequence_column, optional=True)
    column = columns.sequence(path, file.header, cells, asked)
    return [self._case(f'{name} {one.place}', one, column) for one in file.records]

  def _case(self, where: str, record: Record, column: str) -> Case:
    def load() -> dict[str, np.ndarray]:
      letters = fasta.letters(record.cells[column])
      chain = PROTEIN.encode(letters, where, drop_gaps=True)
      try:
        mol = self.molecules.standard.molecule(record.structure).mol
        drug = self.molecules.features.arrays(mol)
      except UserError as error:
        raise UserError(f'{where}: {error}') from None
      return store.arrays(drug, self.tokens(chain), store.NEW, store.NEW)

    notes = []
    if '.' in record.structure:
      notes.append('has several fragments: the largest is taken')
    if len(record.cells[column]) > self.residues:
      notes.append(f'has more than {self.residues} residues: the {self.keep} of them are taken')
    return Case(where, load, '; '.join(notes))

  def draw(self, arrays: dict[str, np.ndarray]) -> Drawing | None:
    """The structure of the drug."""
    return self.molecules.draw(arrays)

  @property
  def simple_models(self) -> Sequence[SimpleModel]:
    """Boosted trees, and what drugs and targets are on average."""
    radius = self.molecules.features.radius
    seen = f'counts of ECFP, radius {radius}, shares of amino acids and the length'
    which = 'which drug and which target it is, one-hot; one that is not trained on adds nothing'
    return (
      SimpleModel('boosting', seen, steps=_described_steps),
      SimpleModel('linear', which, 'mean of the drug + mean of the target by ', _which_steps),
    )

  def simple_features(self, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Numbers of drug and target, counts, and composition and length of the chain, [N, D]."""
    numbers = np.stack([arrays['drug_number'], arrays['target_number']], axis=1)
    length = (arrays['tokens'] != PADDING).sum(axis=1, keepdims=True)
    shares = PROTEIN.table[arrays['tokens']].sum(axis=1) / np.maximum(length, 1)
    parts = [numbers, self.molecules.features.plain(arrays), shares, length]
    return np.concatenate([part.astype(np.float32) for part in parts], axis=1)

  def looks(self, arrays: dict[str, np.ndarray]) -> Looks:
    """As simple models see them, but for the numbers, which say nothing of a pair."""
    features = self.simple_features(arrays)[:, _NUMBERS:]
    return Looks(np.zeros(len(features), bool), features)

  def preparation(self, shapes: str) -> str:
    """What the model card says of the inputs."""
    about = f'; applicability domain: {self.domain.about}' if self.domain else ''
    return (
      f'{self.molecules.preparation(shapes)}; residues one-hot, at most {self.residues}, of longer '
      f'chains the {self.keep}{about}'
    )


def _which_steps(shape: tuple[int, ...]) -> list[Any]:
  """A column for each drug and each target that is trained on."""
  from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

  return [FunctionTransformer(_numbers), OneHotEncoder(handle_unknown='ignore')]


def _described_steps(shape: tuple[int, ...]) -> list[Any]:
  """All columns but the numbers of drug and target."""
  from sklearn.preprocessing import FunctionTransformer

  return [FunctionTransformer(_without_numbers)]


def _numbers(features: np.ndarray) -> np.ndarray:
  return features[:, :_NUMBERS]


def _without_numbers(features: np.ndarray) -> np.ndarray:
  return features[:, _NUMBERS:]
