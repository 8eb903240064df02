"""Molecules of tables, .smi and .sdf files, or simulated, as rows of tokens."""

import functools
from collections.abc import Sequence

import numpy as np

from medjax.data import dataset, examples, split, tables
from medjax.data.examples import Examples
from medjax.data.molecules import reading as of_molecules
from medjax.data.molecules.reading import Simulator
from medjax.data.molecules.records import File, Record
from medjax.data.smiles import reading
from medjax.data.smiles.config import Config
from medjax.data.smiles.modality import Smiles
from medjax.data.smiles.tokens import Vocabulary, tokens
from medjax.errors import SeveralErrors, UserError

_FRACTIONS = {'train': 0.9, 'val': 0.05, 'test': 0.05}
_LISTED = 20  # molecules that are left out, in a note


def load(config: Config, *, simulator: Simulator | None = None) -> dataset.Dataset:
  """The molecules that ``config.source`` names, each different one once.

  Splits are drawn at random (90/5/5) unless the source gives them. The vocabulary is that of
  training molecules; others with a token that none of these has are left out, with a note.

  Args:
    config: the source and how to read it.
    simulator: (seed, molecules) -> cells by column, 'smiles' among them; stands behind 'simulated'.

  Returns:
    The data set, with inputs int32 [L]. ``details`` holds the vocabulary, the tokens of a typical
    training molecule, and what was left out and why.

  Raises:
    UserError: one line that names the file, row or column and what was expected.

  Example:
    >>> load(Config(source='library.smi.gz', limit=100_000))  # doctest: +SKIP
  """
  read = functools.partial(_read, config, simulator)
  return examples.load(config, Smiles.from_details, read)


def _read(config: Config, simulator: Simulator | None) -> dataset.Dataset:
  file, name = of_molecules.source(config, simulator)
  column = tables.optional_column(file.path, file.header, config.split_column, 'split')
  drawn, notes = _drawn(config, file)
  records, written, left_out, new_notes = _written(config, file, drawn)
  notes += new_notes
  given = [split.in_row(one.cells, column, f'{file.path} {one.place}') for one in records]
  if not column and not config.folds:
    given = _random(len(records), config.seed)
    notes.append('no split given: 90/5/5 for train, val and test by a draw')
  ids = [one.place.replace(' ', '-') for one in records]
  read = Examples(
    name,
    ids,
    written,
    ids,
    given,
    [_metadata(one, smiles) for one, smiles in zip(records, written, strict=True)],
    strata=[''] * len(ids),
    origin=f'column {column!r} of {file.path}' if column else 'the draw',
    simulated=config.source == 'simulated',
    train_all=False,
    notes=(*file.notes, *notes),
    unreadable=left_out,
  ).with_splits(config)
  vocabulary = Vocabulary.of(
    smiles for smiles, known in zip(written, read.in_train, strict=True) if known
  )
  rows, lengths = vocabulary.encode_all(read.text)
  known = np.flatnonzero(lengths)
  if len(known) < len(lengths):
    unknown = [ids[i] for i in np.flatnonzero(lengths == 0)]
    read = read.noting(
      f'{len(unknown)} molecules of val and test have a token that no training molecule has, left '
      f'out: {_listed(unknown)}'
    )
    read, rows, lengths = read.in_order(known.tolist()), rows[known], lengths[known]
  read = read.noting(f'{len(vocabulary.names)} different tokens, at most {lengths.max() - 1} each')
  modality = Smiles(vocabulary.names, config.stereo, config.max_atoms, config.smiles_column)
  typical = float(lengths[read.in_train].mean())
  return read.to_dataset(
    {'tokens': rows},
    np.zeros(len(rows), np.int32),
    modality,
    details={**modality.details(), 'typical': typical, 'left_out': left_out},
    sizes={'positions': lengths},
    axes=modality.axes,
  )


def _drawn(config: Config, file: File) -> tuple[Sequence[Record], list[str]]:
  """The records that are taken, in their order, and a note where these are not all."""
  count = len(file.records)
  if not config.limit or config.limit >= count:
    return file.records, []
  numbers = np.random.default_rng(config.seed).choice(count, config.limit, replace=False)
  note = f'{config.limit} of {count} molecules, drawn with config.data.seed={config.seed}'
  return [file.records[i] for i in sorted(numbers.tolist())], [note]


def _written(
  config: Config, file: File, drawn: Sequence[Record]
) -> tuple[list[Record], list[str], dict[str, str], list[str]]:
  """Different molecules that can be read, their SMILES, why others cannot, and notes.

  Raises:
    UserError: more cannot be read than ``config.max_broken`` allows, or none is left.
  """
  found = reading.canonical(
    [one.structure for one in drawn], stereo=config.stereo == 'keep', max_atoms=config.max_atoms
  )
  left_out = {one.place: why for one, (_, why) in zip(drawn, found, strict=True) if why}
  allowed = int(config.max_broken * len(drawn))
  if len(left_out) > allowed:
    errors = [UserError(f'{file.path} {place}: {why}') for place, why in left_out.items()]
    of = (
      f'of {len(drawn)}; config.data.max_broken={config.max_broken:g} leaves out at most {allowed}'
    )
    if len(errors) == 1:
      raise UserError(f'{errors[0]} ({of})')
    raise SeveralErrors(f'{len(errors)} molecules cannot be used ({of})', errors)
  first: dict[str, Record] = {}
  for record, (smiles, _) in zip(drawn, found, strict=True):
    if smiles:
      first.setdefault(smiles, record)
  most = config.max_tokens
  short = {
    smiles: one
    for smiles, one in first.items()
    if len(smiles) <= most or len(tokens(smiles)) <= most  # a token has a character or more
  }
  if not short:
    raise UserError(f'{file.path}: no molecule has at most {config.max_tokens} tokens')
  copies = len(drawn) - len(left_out) - len(first)
  listed = '; '.join(f'{place}: {why}' for place, why in list(left_out.items())[:_LISTED])
  notes = [
    note
    for count, note in (
      (len(left_out), f'{len(left_out)} molecules cannot be read, left out: {listed}'),
      (copies, f'{copies} molecules are there before, left out'),
      (
        len(first) - len(short),
        f'{len(first) - len(short)} molecules have more than {config.max_tokens} tokens '
        '(config.data.max_tokens), left out',
      ),
    )
    if count
  ]
  return list(short.values()), list(short), left_out, notes


def _random(count: int, seed: int) -> list[str]:
  """Splits by a draw, at least one of each where there are three molecules or more."""
  ends = np.cumsum([max(1, round(count * share)) for share in list(_FRACTIONS.values())[1:]])
  splits = np.full(count, 'train', object)
  order = np.random.default_rng(seed).permutation(count)
  splits[order[: ends[0]]], splits[order[ends[0] : ends[1]]] = 'val', 'test'
  return splits.tolist()


def _metadata(record: Record, smiles: str) -> dict[str, str]:
  """What stands beside a molecule, and how it is written, in place of how it was."""
  beside = {key: cell for key, cell in record.cells.items() if key and cell != record.structure}
  return {**beside, 'smiles': smiles}


def _listed(names: Sequence[str]) -> str:
  more = f' and {len(names) - _LISTED} more' if len(names) > _LISTED else ''
  return ', '.join(names[:_LISTED]) + more
