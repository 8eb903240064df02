"""What molecules are tuned toward: a score from 0 to 1, made of several."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from medjax.data.molecules import toolkit
from medjax.design import described
from medjax.design.activity import Activity

_LEAST = 1e-6  # of a part, so that a mean of logarithms is one


@dataclasses.dataclass(frozen=True)
class Objective:
  """The geometric mean of the parts that are asked for.

  Attributes:
    activity: what a run predicts; None for none.
    qed: whether drug-likeness counts.
    sa: whether it counts how easily a molecule is made: (10 - SA) / 9.

  Example:
    >>> objective = Objective(None, qed=True, sa=False)
    >>> values = objective.values(['CCO'])
    >>> bool(np.allclose(objective.scores(values), values['qed']))
    True
  """

  activity: Activity | None
  qed: bool
  sa: bool

  def values(self, smiles: Sequence[str]) -> dict[str, np.ndarray]:
    """``activity`` (as predicted, where a run is asked), ``qed`` and ``sa`` of molecules, [N]."""
    mols = [toolkit.chem().MolFromSmiles(one) for one in smiles]
    found = {'activity': self.activity.predict(smiles)} if self.activity else {}
    return found | {
      name: np.array([described.PROPERTIES[name](mol) for mol in mols]) for name in ('qed', 'sa')
    }

  def scores(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """The score of each molecule, [N], of what ``values`` gave."""
    parts = [self.activity.scores(values['activity'])] if self.activity else []
    parts += [values['qed']] if self.qed else []
    parts += [(10 - values['sa']) / 9] if self.sa else []
    return np.exp(np.mean(np.log(np.maximum(parts, _LEAST)), axis=0))

  def title(self) -> str:
    """What is wanted, in words."""
    parts = [f'{self.activity.title} as predicted'] if self.activity else []
    parts += ['drug-likeness (QED)'] if self.qed else []
    parts += ['easy to make (SA)'] if self.sa else []
    return ', '.join(parts)
