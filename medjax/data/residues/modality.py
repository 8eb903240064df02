"""Protein chains: read from FASTA, fed one-hot, each as long as it is."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any, ClassVar

import jax

from medjax.data.modality import Case, Modality, opened
from medjax.data.ragged import Axes
from medjax.data.sequences import fasta
from medjax.data.sequences.alphabet import PROTEIN
from medjax.data.sequences.encoder import one_hot


@dataclasses.dataclass(frozen=True)
class Residues(Modality):
  """Chains of amino acids with one axis of positions."""

  axes: Axes = dataclasses.field(default_factory=lambda: {'tokens': ('positions',)})

  cases: ClassVar[str] = 'chains'

  def inputs(self, batch: dict[str, Any]) -> jax.Array:
    """float32 [B, L, 20]; see ``encoder.one_hot``."""
    return one_hot(PROTEIN, batch)

  def open(self, names: Sequence[str]) -> list[Case]:
    """The chains of FASTA files."""
    return opened(names, self._of_file)

  def _of_file(self, name: str) -> list[Case]:
    entries = fasta.read(pathlib.Path(name), allow_empty=True)
    return [self._case(f'{name} {entry.id}', entry.sequence) for entry in entries]

  def _case(self, name: str, sequence: str) -> Case:
    return Case(name, lambda: {'tokens': PROTEIN.encode(sequence, name)})
