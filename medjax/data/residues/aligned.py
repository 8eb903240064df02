"""Chains from aligned FASTA files: residues, the state of each, and which are resolved."""

import dataclasses
import pathlib
import re
from collections.abc import Sequence

from medjax.data import source_files, split
from medjax.data.quote import short
from medjax.data.residues.config import Config
from medjax.data.sequences import fasta
from medjax.errors import UserError

UNKNOWN = '-'


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
          f'{labels[id].where}: {short(id)} has the state {wrong!r}; '
          f'config.data.states has only {short(", ".join(become))}'
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
  return source_files.source(name.strip())


def _aligned(
  source: dict[str, fasta.Entry], path: pathlib.Path, what: str
) -> dict[str, fasta.Entry]:
  """The entries of a file that has as many letters for each chain as there are residues."""
  entries = {entry.id: entry for entry in fasta.read(path)}
  for id, entry in source.items():
    if id not in entries:
      raise UserError(f'{path}: {short(id)} of {entry.where} is missing; expected every chain')
    ours, theirs = len(entry.sequence), len(entries[id].sequence)
    if ours != theirs:
      raise UserError(
        f'{entries[id].where}: {short(id)} has {theirs} {what} and {ours} residues; expected '
        'as many'
      )
  extra = next((id for id in entries if id not in source), None)
  if extra is not None:
    some = next(iter(source.values())).path
    raise UserError(
      f'{entries[extra].where}: {short(extra)} is not in {some}; expected the same chains'
    )
  return entries


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
        f'config.data.states: {short(pair)!r} is not a letter, = and a letter; expected as in '
        'H=H,G=H,C=C'
      )
  # What is not known stays so, unless that sign is said to be a state, such as DSSP's coil.
  stays = {UNKNOWN: UNKNOWN} if pairs else {}
  return stays | {pair[0].upper(): pair[2].upper() for pair in pairs}


def _resolved(mask: fasta.Entry, states: str) -> str:
  wrong = next((i for i, letter in enumerate(mask.sequence) if letter not in '01'), None)
  if wrong is not None:
    raise UserError(
      f'{mask.where}: {short(mask.id)} has {mask.sequence[wrong]!r} at position {wrong + 1}; '
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


def states(chains: Sequence[Chain], source: str) -> list[str]:
  """The letters of all states: helix (H), strand (E), coil (C), and then by the alphabet.

  Raises:
    UserError: there are fewer than two, or one is not ASCII; ``source`` says of what.
  """
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
