"""Made-up binding: how strongly molecules bind kinases that nobody has, by an invented rule.

Molecules are those of the simulated assay (medjax.data.simulate.assay). A target is a random chain
with the motifs of a kinase in their order: the glycine-rich loop GxGxxG, the lysine of VAIK, the
gatekeeper before the hinge EYM, HRD, DFG and APE. What is planted are three places of its pocket:

* the gatekeeper, small (A, S, T) or large (F, L, M): behind a small one there is a back pocket,
* the residue before DFG, small (A, G) or large (I, V): only beside a small one there is a cavity,
* the loop, whole or with its middle glycine lost.

A molecule's affinity, as pKd, is 4.8, and 1.0 more with an aminopyrimidine that binds the hinge,
and 0.6 more again if the loop is whole; an amide with a trifluoromethyl phenyl adds 1.8 behind a
small gatekeeper and takes 0.3 at a large one; a halogen on a ring adds 0.8 where there is a cavity.
Measurements have a standard deviation of 0.25, and none is below 5, as nothing is tested beyond
10 micromolar. One target in five is a point mutant of another one at its gatekeeper, as panels have
them, and some mutants are the same. Neither targets nor rule are real: shape, charge, solvent,
selectivity and everything else that decides is not there.
"""

import dataclasses
import itertools

import numpy as np

from medjax.data.simulate import assay

SHARE = 0.35
"""Of the pairs that are measured."""

SMALL, LARGE = 'AST', 'FLM'
_CAVITY, _NO_CAVITY = 'AG', 'IV'
_HALOGEN = '[F,Cl,Br]-a'
_NOISE = 0.25
_LOWEST = 5.0
_MUTANTS = 0.2
# Percent of each residue in Swiss-Prot.
_RESIDUES = 'ARNDCQEGHILKMFPSTWYV'
_COMPOSITION = np.array([
  8.25, 5.53, 4.06, 5.46, 1.38, 3.93, 6.72, 7.07, 2.27, 5.91, 9.65, 5.80, 2.41, 3.86, 4.74, 6.63,
  5.36, 1.10, 2.92, 6.86,
])  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Target:
  """A kinase that is not real, and what of it matters.

  Attributes:
    sequence: residues.
    gatekeeper: its place in the sequence, from 0.
    cavity: the place before DFG.
    loop: whether the glycine-rich loop is whole.
  """

  sequence: str
  gatekeeper: int
  cavity: int
  loop: bool

  @property
  def pocket(self) -> tuple[bool, bool, bool]:
    """Whether there is a back pocket, a cavity, and a whole loop."""
    residues = self.sequence[self.gatekeeper], self.sequence[self.cavity]
    return residues[0] in SMALL, residues[1] in _CAVITY, self.loop


def simulate(seed: int, drugs: int, targets: int, share: float = SHARE) -> list[dict[str, str]]:
  """Pairs and their affinity, cells as text.

  Args:
    seed: of all of them.
    drugs: molecules.
    targets: proteins.
    share: of all pairs that are measured.

  Returns:
    'smiles', 'sequence', 'affinity' (pKd), 'drug' and 'target' (names), by drug.

  Example:
    >>> sorted(simulate(0, 3, 2, share=1.0)[0])                                  # doctest: +SKIP
    ['affinity', 'drug', 'sequence', 'smiles', 'target']
  """
  molecules = _molecules(seed, drugs)
  has = [features(smiles) for smiles in molecules]
  proteins = make_targets(seed, targets)
  random = np.random.default_rng([seed, 1])
  rows = []
  for drug, target in itertools.product(range(drugs), range(targets)):
    measured, noise = random.random() < share, random.normal(0, _NOISE)
    if measured:
      value = max(affinity(has[drug], proteins[target].pocket) + noise, _LOWEST)
      rows.append({
        'smiles': molecules[drug], 'sequence': proteins[target].sequence,
        'affinity': f'{value:.2f}', 'drug': f'drug-{drug:03d}', 'target': f'kinase-{target:03d}',
      })  # fmt: skip
  return rows


def affinity(drug: tuple[bool, bool, bool], pocket: tuple[bool, bool, bool]) -> float:
  """The rule, without noise and limit.

  Args:
    drug: see ``features``.
    pocket: see ``Target.pocket``.

  Example:
    >>> round(affinity((True, True, False), (True, False, False)), 1)
    7.6
  """
  hinge, tail, halogen = drug
  back, cavity, loop = pocket
  of_tail = tail * (1.8 if back else -0.3)
  return 4.8 + hinge * (1.0 + 0.6 * loop) + of_tail + 0.8 * (halogen and cavity)


def features(smiles: str) -> tuple[bool, bool, bool]:
  """Whether a molecule binds the hinge, fills a back pocket, and has a halogen for the cavity."""
  from rdkit import Chem

  mol = Chem.MolFromSmiles(smiles)
  found = [
    mol.HasSubstructMatch(Chem.MolFromSmarts(one)) for one in (assay.HINGE, assay.POCKET, _HALOGEN)
  ]
  return found[0], found[1], found[2]


def make_targets(seed: int, count: int) -> list[Target]:
  """The targets; the first are the same for any number."""
  made: list[Target] = []
  for index in range(count):
    random = np.random.default_rng([seed, 2, index])
    if made and random.random() < _MUTANTS:
      made.append(_mutant(made[random.integers(len(made))], random))
    else:
      made.append(_target(random))
  return made


def _mutant(target: Target, random: np.random.Generator) -> Target:
  """The same with another kind of gatekeeper."""
  place = target.gatekeeper
  other = LARGE if target.sequence[place] in SMALL else SMALL
  letters = target.sequence[:place] + str(random.choice(list(other))) + target.sequence[place + 1 :]
  return dataclasses.replace(target, sequence=letters)


def _target(random: np.random.Generator) -> Target:
  def some(low: int, high: int) -> str:
    chances = _COMPOSITION / _COMPOSITION.sum()
    return ''.join(random.choice(list(_RESIDUES), size=random.integers(low, high), p=chances))

  def one(letters: str) -> str:
    return str(random.choice(list(letters)))

  loop = bool(random.random() < 0.5)
  before = f'{some(8, 20)}LGEG{some(1, 2)}{"G" if loop else one("EKSQ")}KVY{some(8, 14)}VAIK'
  before += f'{some(20, 32)}L{one("ILV")}'
  back, cavity = random.random(2) < 0.5
  middle = f'EYM{some(1, 2)}GGSL{some(20, 32)}HRDLAARN{some(8, 12)}K'
  end = f'DFGLAR{some(12, 20)}APE{some(20, 36)}'
  sequence = before + one(SMALL if back else LARGE) + middle
  return Target(
    sequence + one(_CAVITY if cavity else _NO_CAVITY) + end, len(before), len(sequence), loop
  )


def _molecules(seed: int, count: int) -> list[str]:
  """As many different molecules of the simulated assay."""
  asked = count
  while len(found := list(dict.fromkeys(row['smiles'] for row in assay.simulate(seed, asked)))) < (
    count
  ):
    asked += count
  return found[:count]
