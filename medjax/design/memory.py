"""What a tuning remembers: good molecules by scaffold, which are no longer rewarded, and the best.

Source:
  Blaschke, T., Engkvist, O., Bajorath, J. and Chen, H. (2020), Memory-assisted reinforcement
    learning for diverse molecular de novo design, J. Cheminform. 12:68.
"""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from medjax.data.molecules import toolkit


@dataclasses.dataclass
class Memory:
  """Good molecules, a limited number of each scaffold.

  Attributes:
    least: score from which a molecule is remembered.
    bucket: molecules of a scaffold that are rewarded.
    kept: score of each molecule that is remembered, by SMILES.
    written: how each was written, by SMILES.

  Example:
    >>> memory = Memory(least=0.4, bucket=1)
    >>> names = ['Cc1ccccc1', 'Oc1ccccc1', 'CC', '']
    >>> memory.rewards(names, names, np.array([0.9, 0.8, 0.3, 0.0])).tolist()
    [0.9, 0.0, 0.3, 0.0]
  """

  least: float
  bucket: int
  kept: dict[str, float] = dataclasses.field(default_factory=dict)
  written: dict[str, str] = dataclasses.field(default_factory=dict)

  def __post_init__(self) -> None:
    self._full: Counter[str] = Counter(scaffold(smiles) for smiles in self.kept)

  def rewards(
    self, smiles: Sequence[str], written: Sequence[str], scores: np.ndarray
  ) -> np.ndarray:
    """Scores, but 0 of a molecule that is remembered or whose scaffold has its number.

    Args:
      smiles: canonical; '' where an attempt is no molecule.
      written: as each was written.
      scores: of each, [N].
    """
    rewards = np.array(scores, np.float64)
    for row, (one, text) in enumerate(zip(smiles, written, strict=True)):
      if not one or scores[row] < self.least:
        continue
      core = scaffold(one)
      if one in self.kept or self._full[core] >= self.bucket:
        rewards[row] = 0.0
        continue
      self._full[core] += 1
      self.kept[one], self.written[one] = float(scores[row]), text
    return rewards

  def best(self, count: int) -> list[str]:
    """The molecules with the highest scores, at most so many."""
    return sorted(self.kept, key=lambda smiles: (-self.kept[smiles], smiles))[:count]

  def replay(self, count: int, among: int, random: np.random.Generator) -> list[str]:
    """Some of the best, drawn in proportion to their scores."""
    best = self.best(among)
    if not best:
      return []
    weight = np.array([self.kept[smiles] for smiles in best])
    chosen = random.choice(len(best), min(count, len(best)), replace=False, p=weight / weight.sum())
    return [best[i] for i in chosen]

  def to_json(self) -> dict[str, Any]:
    """JSON values, of which the constructor makes it again."""
    return dataclasses.asdict(self)


def scaffold(smiles: str) -> str:
  """The Bemis-Murcko scaffold; '' without a ring."""
  chem = toolkit.chem()
  from rdkit.Chem.Scaffolds import MurckoScaffold

  core = MurckoScaffold.GetScaffoldForMol(chem.MolFromSmiles(smiles))
  return chem.MolToSmiles(core, isomericSmiles=False)
