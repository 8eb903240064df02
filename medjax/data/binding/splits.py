"""Which pairs train, validate and test: with new drugs, new targets, both, or new pairs only.

A drug is what has the same first block of the InChIKey, a target a chain with its near copies, or
identical chains alone. How well a model does depends on the split more than on anything else:
``random`` asks for the gaps in a table whose drugs and targets are known, and there the mean of a
drug plus that of a target is hard to beat.

Source:
  Pahikkala, T. et al. (2015), Toward more realistic drug-target interaction predictions, Briefings
  in Bioinformatics 16:325-337 (the four settings).
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from medjax.data import split
from medjax.data.binding.config import Config
from medjax.data.binding.reading import Pairs
from medjax.data.molecules import groups
from medjax.data.molecules.messages import listed
from medjax.data.sequences import similar
from medjax.data.sequences.alphabet import PROTEIN
from medjax.errors import UserError

_HOW = {
  'cold_drug': 'by drug, so that test drugs are new',
  'cold_target': 'by target, so that test targets are new',
  'cold_both': 'by drug and by target, so that both are new in test',
  'random': 'by pair, so that drugs and targets are known in test',
}


@dataclasses.dataclass(frozen=True)
class Groups:
  """What is one drug and one target for splits.

  Attributes:
    drug: number of the group of each pair's drug, int64 [N].
    target: of its target, likewise.
    notes: on near copies, one line each.
  """

  drug: np.ndarray
  target: np.ndarray
  notes: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Chosen:
  """The pairs that have a split, and what they are split by.

  Attributes:
    kept: numbers of the N pairs that do, int64.
    group: what splits keep together, [N].
    given: split of each; '' where none was chosen yet.
    notes: what was decided, one line each.
  """

  kept: np.ndarray
  group: list[str]
  given: list[str]
  notes: tuple[str, ...]


def find_groups(config: Config, pairs: Pairs) -> Groups:
  """The groups of drugs and targets of pairs."""
  of_drugs = groups.together(groups.near_copies(pairs.molecules))
  threshold = 0.3 if config.similar == 'near' else 1.0
  chains = [PROTEIN.decode(tokens) for tokens in pairs.tokens]
  of_targets = similar.groups(chains, PROTEIN, threshold=threshold)
  notes = []
  if len(set(of_drugs.tolist())) < len(of_drugs):
    notes.append(
      f'{len(of_drugs)} drugs are {of_drugs.max() + 1} but for stereochemistry, isotopes and '
      'tautomers: these stay in one split'
    )
  if len(set(of_targets.tolist())) < len(of_targets):
    notes.append(similar.named(of_targets, 'targets')[1])
  return Groups(of_drugs[pairs.drug], of_targets[pairs.target], tuple(notes))


def choose(config: Config, pairs: Pairs, of: Groups, strata: Sequence[str]) -> Chosen:
  """What splits keep together; and for ``cold_both`` the splits.

  Args:
    config: the settings.
    pairs: all N.
    of: their groups.
    strata: what splits should be alike in, [N].

  Raises:
    UserError: a pair is in two given splits and may not, or no pair is left in a split.
  """
  every = np.arange(len(pairs.drug))
  both = [f'pair-{drug}-{target}' for drug, target in zip(of.drug, of.target, strict=True)]
  if any(pairs.given) and not config.folds:
    return Chosen(every, both, pairs.given, tuple(_straddling(config, pairs, both)))
  none = [''] * len(every)
  notes = (f'splits {_HOW[config.split]} (config.data.split={config.split})',)
  if config.split == 'cold_drug':
    return Chosen(every, [f'drug-{number}' for number in of.drug], none, notes)
  if config.split == 'cold_target':
    return Chosen(every, [f'target-{number}' for number in of.target], none, notes)
  if config.split == 'random':
    return Chosen(every, both, none, notes)
  of_drug, of_target = (
    np.array(split.stratified(strata, numbers.tolist(), config.seed, split.FRACTIONS))
    for numbers in (of.drug, of.target)
  )
  kept = np.flatnonzero(of_drug == of_target)
  where = of_drug[kept].tolist()
  lacking = [name for name in split.SPLITS if name not in where]
  if lacking:
    raise UserError(
      f'{pairs.path}: config.data.split=cold_both leaves no pair in {lacking[0]}; expected more '
      'drugs and targets, or config.data.split=cold_drug'
    )
  left = f'{len(every) - len(kept)} of {len(every)} pairs have a drug and a target of two splits'
  return Chosen(kept, [both[i] for i in kept], where, (*notes, f'{left}: left out'))


def shared(where: Sequence[str], of: Groups) -> list[str]:
  """Notes on how many drugs and targets each split has, and how many of them are trained on.

  Args:
    where: split of each pair.
    of: the groups of these pairs.
  """
  split_of = np.asarray(where)
  known = [set(numbers[split_of == 'train'].tolist()) for numbers in (of.drug, of.target)]
  notes = []
  for name in split.SPLITS:
    there = split_of == name
    if not there.any():
      continue
    here = [set(numbers[there].tolist()) for numbers in (of.drug, of.target)]
    text = f'{name}: {int(there.sum())} pairs of {len(here[0])} drugs and {len(here[1])} targets'
    if name != 'train':
      text += (
        f', of which {len(here[0] & known[0])} drugs and {len(here[1] & known[1])} targets are '
        'trained on'
      )
    notes.append(text)
  return notes


def _straddling(config: Config, pairs: Pairs, both: Sequence[str]) -> list[str]:
  """A note on pairs that are the same but for near copies, in two given splits.

  Raises:
    UserError: there are some and the settings do not accept them.
  """
  rows_of: dict[str, list[int]] = {}
  for row, key in enumerate(both):
    rows_of.setdefault(key, []).append(row)
  found = [rows for rows in rows_of.values() if len({pairs.given[row] for row in rows}) > 1]
  if not found:
    return []
  rows = listed([[pairs.place[row] for row in one] for one in found])
  text = f'{len(found)} pairs stand, but for near copies, in two splits: {rows}'
  if not config.allow_group_overlap:
    raise UserError(f'{pairs.path}: {text}; config.data.allow_group_overlap=true accepts them')
  return [f'LEAK ALLOWED: {text}']
