"""Learning rates of the parts of a network, as shares of that of its outputs."""

from collections.abc import Callable
from typing import Any

import jax

from medjax.transfer.settings import WeightSettings


def rates(settings: WeightSettings, network: Any) -> Callable[[Any], Any] | None:
  """What ``optimizers.Adam(rates=...)`` takes, or None where every parameter learns alike.

  The outputs learn at the whole rate. The block below them learns at ``backbone_rate`` times
  ``layer_decay`` of it, and each further one at ``layer_decay`` of that of the block above: Clark
  et al. (2020), ELECTRA, ICLR. What is frozen has the rate 0, and stays as it is to the bit.

  Args:
    settings: of the experiment.
    network: with ``blocks``: names of modules from the images to the outputs.

  Example:
    >>> of = rates(WeightSettings(backbone_rate=0.1), models.ResNet())     # doctest: +SKIP
    >>> of(params)['Conv_0']['kernel'], of(params)['Dense_0']['kernel']
    (0.1, 1.0)
  """
  share = 0.0 if settings.frozen == 'backbone' else settings.backbone_rate
  decay = settings.layer_decay
  if share == decay == 1:
    return None
  factors: dict[str, float] = {}
  for height, names in enumerate(reversed(network.blocks)):
    factors |= dict.fromkeys(names, share * decay**height if height else 1.0)

  def of(params: Any) -> Any:
    def factor(path: Any, leaf: Any) -> float:
      name = jax.tree_util.keystr(path, simple=True, separator='/')
      parts = name.removeprefix('network/').split('/')  # that of models.Scaled
      heads = ('/'.join(parts[:count]) for count in range(1, len(parts) + 1))
      return next(factors[head] for head in heads if head in factors)

    return jax.tree_util.tree_map_with_path(factor, params)

  return of
