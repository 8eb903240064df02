"""How sites train together."""

import dataclasses
from typing import Any

import optax

from medjax.errors import UserError

FEDAVG, FEDPROX, FEDADAM = 'fedavg', 'fedprox', 'fedadam'
STRATEGIES = (FEDAVG, FEDPROX, FEDADAM)
MEAN, MEDIAN, KRUM = 'mean', 'median', 'krum'
COMBINATIONS = (MEAN, MEDIAN, KRUM)


@dataclasses.dataclass(frozen=True)
class Settings:
  """How sites train together.

  Attributes:
    strategy: one of ``STRATEGIES``. fedavg takes the mean of the sites' parameters (McMahan et al.
      2017); fedprox also holds each site near the parameters that a round began with (Li et al.
      2020); fedadam takes the mean change of a round for a gradient of Adam (Reddi et al. 2021).
    local_epochs: of a site in a round.
    local_steps: updates of a site in a round at most; 0 for all of its epochs.
    proximal: weight of the squared distance from the beginning of the round, halved, in the loss of
      fedprox.
    server_rate: step size of the server; 0 for 1 (fedavg and fedprox), or 0.01 (fedadam).
    combine: one of ``COMBINATIONS``: how updates become one. The median of every parameter and
      Krum, which takes the update nearest to others, do not count cases.
    clip: the largest norm of a site's update; 0 for any.
    absent: probability that a site takes no part in a round.

  Example:
    >>> Settings('fedprox', proximal=0.1).pulls
    0.1
  """

  strategy: str = FEDAVG
  local_epochs: int = 1
  local_steps: int = 0
  proximal: float = 0.01
  server_rate: float = 0.0
  combine: str = MEAN
  clip: float = 0.0
  absent: float = 0.0

  def check(self) -> None:
    """Raises UserError for a setting that is not possible."""
    if self.strategy not in STRATEGIES:
      raise UserError(f'--strategy={self.strategy}: expected one of {", ".join(STRATEGIES)}')
    if self.combine not in COMBINATIONS:
      raise UserError(f'--combine={self.combine}: expected one of {", ".join(COMBINATIONS)}')
    if not 0 <= self.absent < 1:
      raise UserError(f'--absent={self.absent:g}: expected at least 0 and less than 1')
    for name in ('proximal', 'server_rate', 'clip'):
      if getattr(self, name) < 0:
        raise UserError(f'--{name}={getattr(self, name):g}: expected at least 0')

  @property
  def pulls(self) -> float:
    """How strongly a site is held near the beginning of the round."""
    return self.proximal if self.strategy == FEDPROX else 0.0

  def server(self) -> optax.GradientTransformation:
    """The server's optimiser, for which the mean change, with its sign turned, is a gradient."""
    if self.strategy == FEDADAM:  # as in the source; its tau is 1e-3
      return optax.adam(self.server_rate or 0.01, b1=0.9, b2=0.99, eps=1e-3)
    return optax.sgd(self.server_rate or 1.0)

  def to_json(self) -> dict[str, Any]:
    """JSON values by name."""
    return dataclasses.asdict(self)

  def spell(self, rounds: int) -> str:
    """How the sites train, in words."""
    each = f'{self.local_epochs} epoch' + ('s' if self.local_epochs > 1 else '')
    if self.local_steps:
      each += f' of at most {self.local_steps} updates'
    told = [f'{rounds} rounds; in each every site trains {each} from the parameters of all.']
    if self.pulls:
      told.append(f'FedProx holds it near them (weight {self.proximal:g}).')
    told.append(
      {
        MEAN: 'The mean of the changes, by training cases, is taken.',
        MEDIAN: 'The median of each parameter is taken, which does not count cases.',
        KRUM: 'Krum takes the change that is nearest to others.',
      }[self.combine]
    )
    if self.strategy == FEDADAM:
      told.append('It is the gradient of an Adam at the server.')
    if self.clip:
      told.append(f'No change has a norm above {self.clip:g}.')
    if self.absent:
      told.append(f'A site misses a round with probability {self.absent:g}.')
    return ' '.join(told)
