"""Proteins with a state at each residue: aligned FASTA files, or simulated chains."""

import functools
import pathlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from medjax.data import dataset, examples, simulation
from medjax.data.examples import Examples
from medjax.data.residues import aligned
from medjax.data.residues.aligned import UNKNOWN, Chain
from medjax.data.residues.config import Config
from medjax.data.residues.modality import Residues
from medjax.data.sequences import alphabet, copies, similar


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
  read = functools.partial(_read, config, modality, simulator)
  return examples.load(config, lambda details: modality, read)


def _read(
  config: Config, modality: Residues, simulator: Callable[[int, int], Any] | None
) -> dataset.Dataset:
  simulated = config.source == 'simulated'
  if simulated:
    simulator = simulation.require(simulator, 'simulates no chains')
    name, chains = simulation.name(simulator), _simulated(config, simulator)
  else:
    name, chains = pathlib.Path(config.source).name, aligned.read(config)
  states = aligned.states(chains, config.source)
  tokens = [alphabet.PROTEIN.encode(chain.sequence, chain.where) for chain in chains]
  lengths = np.array([len(part) for part in tokens])
  alike = similar.groups([chain.sequence for chain in chains], alphabet.PROTEIN)
  groups, note = similar.named(alike, 'chains')
  ids = [chain.id for chain in chains]
  read = Examples(
    name,
    ids,
    [_commonest(chain, states) for chain in chains],
    groups.tolist(),
    [chain.split for chain in chains],
    [
      {'residues': str(length), **chain.metadata}
      for length, chain in zip(lengths, chains, strict=True)
    ],
    states,
    origin='headers',
    simulated=simulated,
    train_all=False,
    notes=(
      *alphabet.PROTEIN.remarks(chain.sequence for chain in chains),
      *copies.conflicts(tokens, [chain.states for chain in chains]),
      note,
    ),
  ).with_splits(config)
  unknown = sum(chain.states.count(UNKNOWN) for chain in chains)
  read = read.noting(f'{unknown} of {lengths.sum()} residues have no state: they count for nothing')
  padded, label = _padded(chains, tokens, states)
  return read.to_dataset(
    {'tokens': padded},
    label,
    modality,
    fingerprint=examples.digest(padded, label, [ids, list(read.split), states]),
    details=config.fitted or {'positions': int((label[read.in_train] >= 0).sum())},
    sizes={'positions': lengths},
    axes={**modality.axes, 'label': ('positions',)},
  )


def _simulated(config: Config, simulator: Callable[[int, int], Any]) -> list[Chain]:
  chains = []
  for index in range(config.simulated):
    id, case = f'simulated-{index:06d}', simulator(config.seed, index)
    chains.append(Chain(id, case.sequence, case.observed, '', id, {'fold': case.fold}))
  return chains


def _commonest(chain: Chain, states: Sequence[str]) -> str:
  """The state that most residues have, in which drawn splits are alike."""
  count = Counter(chain.states.replace(UNKNOWN, ''))
  return max(states, key=count.__getitem__)


def _padded(
  chains: Sequence[Chain], tokens: Sequence[np.ndarray], states: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
  """Tokens uint8 [N, L] and labels int8 [N, L] of chains, as long as the longest."""
  padded = np.zeros((len(chains), max(map(len, tokens))), np.uint8)
  label = np.full(padded.shape, -1, np.int8)
  number = np.full(256, -1, np.int8)
  number[[ord(letter) for letter in states]] = np.arange(len(states))
  for row, (chain, part) in enumerate(zip(chains, tokens, strict=True)):
    padded[row, : len(part)] = part
    # A stop sign at the end is dropped from the residues.
    letters = np.frombuffer(chain.states.encode(), np.uint8)[: len(part)]
    label[row, : len(part)] = number[letters]
  return padded, label
