"""Sequences of letters: read from FASTA and tables, fed one-hot, drawn as letters of any height."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import jax
import numpy as np

from medjax.data import tables
from medjax.data.looks import Looks
from medjax.data.modality import Case, Drawing, Modality, of_json, opened
from medjax.data.sequences import alphabet as alphabets
from medjax.data.sequences import fasta, words
from medjax.data.sequences.encoder import Encoder, one_hot
from medjax.explain import Method, sequences
from medjax.outcomes import SimpleModel
from medjax.plots import logos


@dataclasses.dataclass(frozen=True)
class Sequences(Modality):
  """DNA, RNA or proteins.

  Attributes:
    encode: how a sequence becomes tokens.
    column: of tables, where the sequence stands.
    both_strands: whether a sequence and its reverse complement mean the same.
  """

  encode: Encoder
  column: str = 'sequence'
  both_strands: bool = False

  cases: ClassVar[str] = 'sequences'
  usual_method: ClassVar[str] = 'mutagenesis'
  layout: ClassVar[Literal['', 'wide', 'long']] = 'long'

  def inputs(self, batch: dict[str, Any]) -> jax.Array:
    """float32 [B, L, letters]; see ``encoder.one_hot``."""
    return one_hot(self.encode.letters, batch)

  def open(self, names: Sequence[str]) -> list[Case]:
    """The sequences of FASTA files and tables."""
    return opened(names, self._of_file)

  @property
  def json_schema(self) -> Mapping[str, Any]:
    """The letters of a sequence."""
    return {'type': 'string', 'minLength': 1}

  def open_json(self, values: Sequence[Any]) -> list[Case]:
    """Sequences, each a text."""
    return of_json(values, str, 'the letters of a sequence', self._written)

  def _written(self, name: str, text: str) -> Case:
    return self._case(name, fasta.letters(text))

  def _of_file(self, name: str) -> list[Case]:
    if name.lower().endswith(tables.ENDINGS):
      rows = fasta.read_table(pathlib.Path(name), self.column, allow_empty=True)
      return [self._case(f'{name} row {line}', row[self.column]) for line, row in rows]
    entries = fasta.read(pathlib.Path(name), allow_empty=True)
    return [self._case(f'{name} {entry.id}', entry.sequence) for entry in entries]

  def _case(self, name: str, sequence: str) -> Case:
    return Case(name, lambda: self.encode(sequence, name))

  @property
  def methods(self) -> Mapping[str, Method]:
    """See ``explain.sequences``."""
    return sequences.METHODS

  def blank(self, inputs: np.ndarray, what: str) -> np.ndarray:
    """Equal shares of all letters."""
    return sequences.neutral(inputs)

  def draw_explained(
    self, arrays: dict[str, np.ndarray], attribution: np.ndarray, method: str
  ) -> Drawing:
    """The letters as high as they count."""
    letters, tokens = self.encode.letters, arrays['tokens']
    total = attribution.sum(axis=1) if attribution.ndim == 2 else attribution
    length = int((tokens != alphabets.PADDING).sum())
    heights = (letters.table[tokens] * total[:, None])[:length]
    return logos.logo(heights, letters.letters, 'What each letter adds')

  @property
  def simple_models(self) -> Sequence[SimpleModel]:
    """A linear model of counted words; of variants of one sequence, of their letters."""
    if self.encode.places:
      features = 'the letter at each place that differs, one-hot'
      return (SimpleModel('linear', features, steps=words.one_hot_steps),)
    longest, strands = words.longest(self.encode.letters), ', on both strands' * self.both_strands
    features = f'counts of words of 1 to {longest} letters{strands}, standardised'
    return (SimpleModel('linear', features, 'k-mers and ', words.scaled_steps),)

  def simple_features(self, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Counts of words, or tokens of variants, [N, D]."""
    if self.encode.places:
      return arrays['tokens']
    return words.counts(arrays['tokens'], self.encode.letters, self.both_strands)

  def looks(self, arrays: dict[str, np.ndarray]) -> Looks:
    """Words, or letters at each place; blank are those without a letter that is known."""
    tokens = arrays['tokens']
    known = (tokens != alphabets.PADDING) & (tokens <= len(self.encode.letters.letters))
    features = self.simple_features(arrays)
    if self.encode.places:
      features = self.encode.letters.table[tokens].reshape(len(tokens), -1)
    return Looks(~known.any(axis=1), features)

  def caption(self, method: str) -> str:
    """See ``Modality``."""
    return (
      f'By {method}: letters above the line speak for the class that the case is called, those '
      'below against it, the higher the more.'
    )

  def encoder(self, what: str) -> Encoder:
    """How a sequence becomes tokens."""
    return self.encode
