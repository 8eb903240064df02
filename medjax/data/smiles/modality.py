"""Molecules as a language model reads them: rows of tokens, each as long as it is."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np

from medjax.data import ragged
from medjax.data.modality import Case, Modality, of_json, opened
from medjax.data.molecules import records
from medjax.data.smiles.reading import canonical
from medjax.data.smiles.tokens import Vocabulary
from medjax.errors import UserError


@dataclasses.dataclass(frozen=True)
class Smiles(Modality):
  """Molecules, each of which becomes the numbers of its tokens and of the end, int32 [L].

  Attributes:
    names: of the tokens; see ``Vocabulary``.
    stereo: whether stereochemistry is written.
    max_atoms: heavy atoms of a molecule, at most.
    smiles_column: of tables; '' to find it.
  """

  names: tuple[str, ...]
  stereo: Literal['keep', 'drop'] = 'keep'
  max_atoms: int = 500
  smiles_column: str = ''

  axes: ClassVar[ragged.Axes] = {'tokens': ('positions',)}  # type: ignore[misc]
  cases: ClassVar[str] = 'molecules'

  @classmethod
  def from_details(cls, details: Mapping[str, Any]) -> 'Smiles':
    """What ``details`` gave."""
    kept = {field.name: details[field.name] for field in dataclasses.fields(cls)}
    return cls(**{**kept, 'names': tuple(kept['names'])})

  def details(self) -> dict[str, Any]:
    """JSON values, which ``from_details`` reads back."""
    return {**dataclasses.asdict(self), 'names': list(self.names)}

  def vocabulary(self, what: str) -> Vocabulary:
    """See ``Modality``."""
    return Vocabulary(self.names)

  def chemistry(self, what: str) -> Any:
    """See ``Modality``."""
    raise UserError(f'{what} molecules by what a run predicts, and this one is a language model')

  def inputs(self, batch: dict[str, Any]) -> jax.Array:
    """int32 [B, L], 0 after the end."""
    return batch['tokens'].astype(jnp.int32)

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
      ((smiles, why),) = canonical(
        [structure], stereo=self.stereo == 'keep', max_atoms=self.max_atoms
      )
      if why:
        raise UserError(f'{where}: {why}')
      try:
        return {'tokens': self.vocabulary('').encode(smiles)}
      except UserError as error:
        raise UserError(f'{where}: {error}') from None

    return Case(where, load)

  def preparation(self, shapes: str) -> str:
    """What the model card says of the inputs."""
    return (
      f'canonical SMILES in {len(self.names)} different tokens (atoms, bonds, branches, rings), of '
      'several fragments the largest organic one'
    )
