"""Protein chains: read from FASTA, fed one-hot, each as long as it is."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jax
import numpy as np

from medjax.data.modality import Case, Modality, of_json, opened
from medjax.data.ragged import Axes
from medjax.data.sequences import fasta, words
from medjax.data.sequences.alphabet import PADDING, PROTEIN
from medjax.data.sequences.encoder import one_hot
from medjax.outcomes import SimpleModel

_REACH = 7  # residues on either side that a simple model sees


@dataclasses.dataclass(frozen=True)
class Residues(Modality):
  """Chains of amino acids with one axis of positions."""

  axes: Axes = dataclasses.field(default_factory=lambda: {'tokens': ('positions',)})

  cases: ClassVar[str] = 'chains'
  simple_cases: ClassVar[int] = 300

  def inputs(self, batch: dict[str, Any]) -> jax.Array:
    """float32 [B, L, 20]; see ``encoder.one_hot``."""
    return one_hot(PROTEIN, batch)

  def open(self, names: Sequence[str]) -> list[Case]:
    """The chains of FASTA files."""
    return opened(names, self._of_file)

  @property
  def json_schema(self) -> Mapping[str, Any]:
    """The residues of a chain."""
    return {'type': 'string', 'minLength': 1}

  def open_json(self, values: Sequence[Any]) -> list[Case]:
    """Chains, each a text."""
    return of_json(values, str, 'the residues of a chain', self._written)

  def _written(self, name: str, text: str) -> Case:
    return self._case(name, fasta.letters(text))

  def _of_file(self, name: str) -> list[Case]:
    entries = fasta.read(pathlib.Path(name), allow_empty=True)
    return [self._case(f'{name} {entry.id}', entry.sequence) for entry in entries]

  def _case(self, name: str, sequence: str) -> Case:
    return Case(name, lambda: {'tokens': PROTEIN.encode(sequence, name)})

  @property
  def simple_models(self) -> Sequence[SimpleModel]:
    """A linear model of a residue and its neighbours."""
    features = f'the residue and {_REACH} on either side, each one-hot'
    return (SimpleModel('linear', features, steps=words.one_hot_steps),)

  def simple_features(self, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Tokens around each residue, [N, L, 15]; padding beyond the ends."""
    around = ((0, 0), (_REACH, _REACH))
    tokens = np.pad(arrays['tokens'], around, constant_values=PADDING)
    return np.lib.stride_tricks.sliding_window_view(tokens, 2 * _REACH + 1, axis=1)
