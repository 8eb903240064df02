"""DNA, RNA and proteins as examples: FASTA files, tables with a sequence column, or simulated."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from medjax.data import dataset, examples, settings, simulation, split
from medjax.data.examples import Examples
from medjax.data.sequences import alphabet as alphabets
from medjax.data.sequences import copies, files, targets
from medjax.data.sequences.alphabet import Alphabet
from medjax.data.sequences.config import Config
from medjax.data.sequences.encoder import Encoder, fit
from medjax.data.sequences.files import Labelled
from medjax.data.sequences.modality import Sequences
from medjax.errors import UserError

_MOST = 2**32  # letters in memory, a byte each


def load(
  config: Config,
  *,
  simulator: Callable[[int, int], Any] | None = None,
  classes: tuple[str, ...] = ('0', '1'),
  letters: Alphabet = alphabets.DNA,
  motifs: Mapping[str, np.ndarray] | None = None,
) -> dataset.Dataset:
  """The sequences that ``config.source`` names, as one-hot inputs [L, letters].

  Args:
    config: the source and how to read it.
    simulator: (seed, index) -> a dataclass with ``sequence``, ``label`` (from 0), ``mask`` (bool
      [length]) and scalars, which become metadata; stands behind 'simulated'.
    classes: names of the simulator's labels.
    letters: the simulator's.
    motifs: what the simulator plants, position weight matrices by name.

  Returns:
    The data set. Sequences shorter than the longest are padded at the end, with inputs of zeros.

  Raises:
    UserError: one line that names the file and the line, and what was expected.

  Example:
    >>> data = load(Config(source='sites.fa', label_pattern='class:([01])'))  # doctest: +SKIP
  """

  def read() -> dataset.Dataset:
    if config.source != 'simulated':
      sequences, notes = files.read(config)
      name, alphabet = settings.file_names(config.source), _alphabet(config, sequences)
      return _made(config, name, sequences, notes, alphabet, None)[0]
    simulate = simulation.require(simulator, 'simulates no sequences')
    cases = [simulate(config.seed, index) for index in range(config.simulated)]
    sequences = [_simulated(case, index, classes) for index, case in enumerate(cases)]
    name = simulation.name(simulate)
    data, encode = _made(config, name, sequences, [], letters, classes)

    def mask(index: int) -> np.ndarray:
      fitted = fit(cases[index].mask, encode.length, config.keep).astype(bool)
      return fitted[list(encode.places)] if encode.places else fitted

    return dataclasses.replace(simulation.with_truth(data, mask), motifs=dict(motifs or {}))

  return examples.load(config, functools.partial(_modality, config), read)


def _modality(config: Config, details: dict[str, Any]) -> Sequences:
  return Sequences(Encoder.from_details(details), config.sequence_column, config.both_strands)


def _made(
  config: Config,
  name: str,
  sequences: list[Labelled],
  notes: list[str],
  letters: Alphabet,
  known: tuple[str, ...] | None,
) -> tuple[dataset.Dataset, Encoder]:
  """The data set of these sequences, and how they became tokens.

  Args:
    config: the settings.
    name: of the data set.
    sequences: with their labels.
    notes: what was decided while they were read.
    letters: their alphabet.
    known: names of the classes where they are known, as of simulated ones.
  """
  if several := examples.repeated([one.id for one in sequences]):
    raise UserError(f'{several[0]} names {several[1]} sequences; expected each name once')
  if config.alphabet == 'auto':
    notes.append(f'letters: {letters.name}')
  if config.label_separator and config.labels == 'classes':
    sequences, new_notes = targets.of_one_class(sequences, config.label_separator)
    notes += new_notes
  texts = [one.label for one in sequences]
  label, names = targets.encode(config, sequences, known)
  fitted = None if config.fitted is None else Encoder.from_details(config.fitted)
  tokens = [letters.encode(one.sequence, one.where) for one in sequences]
  notes += letters.remarks(one.sequence for one in sequences)
  length = fitted.length if fitted else config.length or max(map(len, tokens))
  _require_room(name, len(tokens), length)
  notes += copies.conflicts(tokens, texts)
  groups, note = copies.groups(config, letters, [one.sequence for one in sequences])
  given = [one.split for one in sequences]
  copies.require_groups(config, groups, given)
  read = Examples(
    name,
    [one.id for one in sequences],
    texts,
    groups,
    given,
    [one.metadata for one in sequences],
    names,
    strata=split.quarters(label) if config.labels == 'numbers' else None,
    origin='the files',
    simulated=known is not None,
    train_all=config.labels == 'classes',
    notes=(*notes, note),
  ).with_splits(config)
  cut = sum(len(part) > length for part in tokens)
  if cut:
    taken = 'their middle is' if config.keep == 'middle' else 'their ends are'
    read = read.noting(f'{cut} sequences are longer than {length} letters: {taken} taken')
  encode = fitted or Encoder(letters, length, config.keep)
  padded = np.stack([fit(part, length, config.keep) for part in tokens])
  if config.varying:
    if fitted is None:
      encode, note = _where_different(encode, padded[read.in_train])
      read = read.noting(note)
    padded = padded[:, list(encode.places)]
  scale = {}
  if config.labels == 'numbers' and fitted is None:
    scale = examples.label_scale(label, read.in_train)
  data = read.to_dataset(
    {'tokens': padded},
    label,
    Sequences(encode, config.sequence_column, config.both_strands),
    details=config.fitted or {**encode.details(), **scale},
  )
  return data, encode


def _require_room(name: str, count: int, length: int) -> None:
  if count * length > _MOST:
    raise UserError(
      f'{name}: {count} sequences of {length} letters each; expected at most {_MOST} letters with '
      'their padding: see config.data.length'
    )


def _simulated(case: Any, index: int, classes: Sequence[str]) -> Labelled:
  scalars = {'index': str(index), **simulation.scalars(case, ('label', 'sequence'))}
  name = f'simulated-{index:06d}'
  return Labelled(name, case.sequence, classes[case.label], '', name, scalars)


def _alphabet(config: Config, sequences: Sequence[Labelled]) -> Alphabet:
  if config.fitted is not None:
    return alphabets.ALPHABETS[config.fitted['alphabet']]
  if config.alphabet == 'auto':
    return alphabets.guess([one.sequence for one in sequences])
  return alphabets.ALPHABETS[config.alphabet]


def _where_different(encode: Encoder, train: np.ndarray) -> tuple[Encoder, str]:
  """The encoder of the places at which training tokens [N, L] differ, and a note on them."""
  places = np.flatnonzero((train != train[0]).any(axis=0))
  if not len(places):
    raise UserError('config.data.varying=true: all training sequences are the same')
  note = f'{len(places)} of {encode.length} places differ in training; the others are left out'
  return dataclasses.replace(encode, places=tuple(places.tolist())), note
