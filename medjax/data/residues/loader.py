"""Proteins with a state at each residue: aligned FASTA files, or simulated chains."""

import dataclasses
import hashlib
import json
import pathlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from medjax.config import setting
from medjax.data import dataset, memory, split
from medjax.data.residues.modality import Residues
from medjax.data.sequences import alphabet, fasta, similar
from medjax.errors import UserError

UNKNOWN = '-'


@dataclasses.dataclass
class Config(dataset.Source):
  """Which chains, what says the state of their residues, and which of them test."""

  source: str = setting('simulated', "'simulated', or a FASTA file of protein chains.")
  labels: str = setting('', 'FASTA file with a letter for the state of each residue, same names.')
  mask: str = setting('', 'FASTA file with 1 for resolved residues and 0 for others; or none.')
  states: str = setting(
    '', 'What letters of the labels become, as in H=H,G=H,E=E,B=E,C=C; empty: as they are.'
  )
  split_pattern: str = setting(
    '', 'Regular expression whose group in a header is the split; empty: SET= and VALIDATION=.'
  )
  allow_group_overlap: bool = setting(False, 'Accept near copies in two given splits.')
  seed: int = setting(0, 'Seed of the simulator and of splits drawn here.', low=0, high=2**31 - 1)
  folds: int = setting(0, 'Parts of a cross-validation, one of which tests; 0 for none.', low=0)
  fold: int = setting(0, 'The part that tests, from 0.', low=0)
  simulated: int = setting(2000, 'Chains to simulate.', low=50)


@dataclasses.dataclass(frozen=True)
class Chain:
  """A protein chain.

  Attributes:
    id: its name.
    sequence: residues.
    states: a letter each, ``UNKNOWN`` where it is not known.
    split: canonical name of the split that it was given, or ''.
    where: file and line, for errors.
    metadata: further columns.
  """

  id: str
  sequence: str
  states: str
  split: str
  where: str
  metadata: dict[str, str]


def load(config: Config, *, simulator: Callable[[int, int], Any] | None = None) -> dataset.Dataset:
  """The chains that ``config.source`` names, as one-hot inputs [L, 20].

  Classes are the letters of the states, in the order helix (H), strand (E), coil (C) and then by
  the alphabet. Labels are int8 [N, L], -1 for residues that are not resolved and after the end.

  Args:
    config: the source and how to read it.
    simulator: (seed, index) -> an object with ``sequence``, ``observed`` (states) and ``fold``;
      stands behind 'simulated'.

  Raises:
    UserError: one line that names the file and the chain, and what was expected.

  Example:
    >>> load(Config(source='chains.fasta', labels='states.fasta'))       # doctest: +SKIP
  """
  modality = Residues()
  if config.stored is not None:
    return dataset.without_examples(config.stored, modality)
  if config.source == 'simulated':
    if simulator is None:
      raise UserError('config.data.source=simulated: this experiment simulates no chains')
    name = f'simulated ({simulator.__module__.rsplit(".", 1)[-1]})'
    chains = []
    for index in range(config.simulated):
      id, case = f'simulated-{index:06d}', simulator(config.seed, index)
      chains.append(Chain(id, case.sequence, case.observed, '', id, {'fold': case.fold}))
  else:
    name = pathlib.Path(config.source).name
    chains = read(config)
  classes = _classes(chains, config.source)
  tokens = [alphabet.PROTEIN.encode(chain.sequence, chain.where) for chain in chains]
  lengths = np.array([len(part) for part in tokens])
  alike = similar.groups([chain.sequence for chain in chains], alphabet.PROTEIN)
  groups, note = similar.named(alike, 'chains')
  notes = [note]
  splits, more = _splits(config, chains, groups.tolist(), classes)
  notes += more
  unknown = sum(chain.states.count(UNKNOWN) for chain in chains)
  notes.append(f'{unknown} of {lengths.sum()} residues have no state: they count for nothing')
  padded = np.zeros((len(chains), lengths.max()), np.uint8)
  label = np.full(padded.shape, -1, np.int8)
  number = np.full(256, -1, np.int8)
  number[[ord(letter) for letter in classes]] = np.arange(len(classes))
  for row, (chain, part) in enumerate(zip(chains, tokens, strict=True)):
    padded[row, : len(part)] = part
    # A stop sign at the end is dropped from the residues.
    states = np.frombuffer(chain.states.encode(), np.uint8)[: len(part)]
    label[row, : len(part)] = number[states]
  parts = memory.splits(
    splits,
    {'tokens': padded},
    id=[chain.id for chain in chains],
    label=label,
    group=groups,
    metadata=[
      {'residues': str(length), **chain.metadata}
      for length, chain in zip(lengths, chains, strict=True)
    ],
    sizes={'positions': lengths},
    axes={**modality.axes, 'label': ('positions',)},
  )
  content = hashlib.blake2b(padded.tobytes() + label.tobytes(), digest_size=8)
  content.update(json.dumps([[chain.id for chain in chains], splits, classes]).encode())
  return dataset.Dataset(
    name,
    parts,
    tuple(classes),
    content.hexdigest(),
    config.source == 'simulated',
    modality,
    tuple(notes),
    details={'positions': int((parts['train'].label >= 0).sum())},
  )


def read(config: Config) -> list[Chain]:
  """The chains of FASTA files, each with its states.

  Raises:
    UserError: see ``load``.
  """
  if not config.labels:
    raise UserError(
      f'config.data.source={config.source}: nothing says the states; expected config.data.labels, '
      'a FASTA file with a letter for each residue'
    )
  source = {entry.id: entry for entry in fasta.read(_path(config.source))}
  labels = _aligned(source, _path(config.labels), 'state letters')
  masks = _aligned(source, _path(config.mask), 'mask letters') if config.mask else {}
  become = _become(config.states)
  chains = []
  for id, entry in source.items():
    states, metadata = labels[id].sequence, {}
    if become:
      wrong = next((letter for letter in states if letter not in become), None)
      if wrong is not None:
        raise UserError(
          f'{labels[id].where}: {id} has the state {wrong!r}; '
          f'config.data.states has only {", ".join(become)}'
        )
      states = ''.join(become[letter] for letter in states)
    if masks:
      states = _resolved(masks[id], states)
    headers = [labels[id].header, entry.header]
    where = _split(config.split_pattern, headers, labels[id].where)
    if entry.header != id:
      metadata['header'] = entry.header
    chains.append(Chain(id, entry.sequence, states, where, entry.where, metadata))
  return chains


def _path(name: str) -> pathlib.Path:
  return pathlib.Path(name.strip()).expanduser()


def _aligned(
  source: dict[str, fasta.Entry], path: pathlib.Path, what: str
) -> dict[str, fasta.Entry]:
  """The entries of a file that has as many letters for each chain as there are residues."""
  found = {entry.id: entry for entry in fasta.read(path)}
  for id, entry in source.items():
    if id not in found:
      raise UserError(f'{path}: {id} of {entry.where} is missing; expected every chain')
    ours, theirs = len(entry.sequence), len(found[id].sequence)
    if ours != theirs:
      raise UserError(
        f'{found[id].where}: {id} has {theirs} {what} and {ours} residues; expected as many'
      )
  extra = next((id for id in found if id not in source), None)
  if extra is not None:
    some = next(iter(source.values())).path
    raise UserError(f'{found[extra].where}: {extra} is not in {some}; expected the same chains')
  return found


def _become(states: str) -> dict[str, str]:
  """What each letter becomes.

  Example:
    >>> _become('0=H, 1=E')
    {'-': '-', '0': 'H', '1': 'E'}
  """
  pairs = [part.strip() for part in states.split(',') if part.strip()]
  for pair in pairs:
    if not re.fullmatch(r'\S=\S', pair):
      raise UserError(
        f'config.data.states: {pair!r} is not a letter, = and a letter; expected as in H=H,G=H,C=C'
      )
  # What is not known stays so, unless that sign is said to be a state, such as DSSP's coil.
  stays = {UNKNOWN: UNKNOWN} if pairs else {}
  return stays | {pair[0].upper(): pair[2].upper() for pair in pairs}


def _resolved(mask: fasta.Entry, states: str) -> str:
  wrong = next((i for i, letter in enumerate(mask.sequence) if letter not in '01'), None)
  if wrong is not None:
    raise UserError(
      f'{mask.where}: {mask.id} has {mask.sequence[wrong]!r} at position {wrong + 1}; '
      'expected 1 for resolved residues and 0 for others'
    )
  return ''.join(
    state if there == '1' else UNKNOWN for state, there in zip(states, mask.sequence, strict=True)
  )


def _split(pattern: str, headers: Sequence[str], where: str) -> str:
  """The split that a header says, canonical, or ''."""
  if pattern:
    try:
      compiled = re.compile(pattern)
    except re.error as error:
      raise UserError(
        f'config.data.split_pattern={pattern!r}: is no regular expression: {error}'
      ) from None
    if compiled.groups != 1:
      raise UserError(
        f'config.data.split_pattern={pattern!r}: has {compiled.groups} groups; expected one ( ) '
        'around the split'
      )
    for header in headers:
      match = compiled.search(header)
      if match:
        return split.canonical(match[1] or '', where)
    raise UserError(f'{where}: the header does not match config.data.split_pattern={pattern!r}')
  for header in headers:
    given = re.search(r'\bSET=(\S+)', header)
    if given:
      validates = re.search(r'\bVALIDATION=true\b', header, re.IGNORECASE)
      return 'val' if validates else split.canonical(given[1], where)
  return ''


def _classes(chains: Sequence[Chain], source: str) -> list[str]:
  letters = set().union(*(chain.states for chain in chains)) - {UNKNOWN}
  strange = next((letter for letter in sorted(letters) if not letter.isascii()), None)
  if strange is not None:
    where = next(chain.where for chain in chains if strange in chain.states)
    raise UserError(f'{where}: state {strange!r}; expected letters and digits of ASCII')
  if len(letters) < 2:
    raise UserError(
      f'config.data.source={source}: residues have {"one state only" if letters else "no states"}'
      f'{", " + letters.pop() if letters else ""}; expected two or more'
    )
  return sorted(letters, key=lambda letter: ('HEC'.find(letter) % 4, letter))


def _splits(
  config: Config, chains: Sequence[Chain], groups: Sequence[str], classes: Sequence[str]
) -> tuple[list[str], list[str]]:
  """Drawn ones are stratified by each chain's commonest state."""
  counts = [Counter(chain.states.replace(UNKNOWN, '')) for chain in chains]
  texts = [max(classes, key=count.__getitem__) for count in counts]
  given = [chain.split for chain in chains]
  allow = config.allow_group_overlap
  return split.choose(config, texts, groups, given, 'headers', train_all=False, allow_overlap=allow)
