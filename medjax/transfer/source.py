"""Where the weights of a training come from, and the network that is made for them."""

import dataclasses
from typing import Any

import flax.linen as nn

from medjax import models
from medjax.models import Pixels
from medjax.transfer.settings import WeightSettings


@dataclasses.dataclass(frozen=True)
class Source:
  """Where weights come from. They are read once, before the first update.

  Attributes:
    path: a file or a run folder; '' for random weights.
    pixels: the scale of pixels that they expect; None where inputs are no images.
  """

  path: str
  pixels: Pixels | None


def source(settings: WeightSettings, network: nn.Module) -> Source | None:
  """The source of an experiment's weights; None where they are random, of pixels in 0..1."""
  found = Source(settings.weights, settings.scale(network))
  return None if found == Source('', 'unit') else found


def prepared(settings: WeightSettings, network: nn.Module) -> nn.Module:
  """The network as its weights need it: with their scale of pixels, and with what is frozen.

  What is frozen gets no gradient and is run as in prediction: batch normalisation uses the running
  averages that came with the weights, which stay as they are, and no block is left out.

  Args:
    settings: of the experiment.
    network: as ``models.image_network`` or ``models.UNet`` gives it.

  Example:
    >>> network = models.image_network('densenet121', outputs=1)           # doctest: +SKIP
    >>> experiment = medjax.Experiment(
    ...     data=data, task=task,
    ...     model=transfer.prepared(config.model, network),
    ...     start=transfer.source(config.model, network),
    ...     optimizer=optimizers.Adam(1e-4, rates=transfer.rates(config.model, network)))
  """
  inner: Any = network
  if settings.frozen == 'backbone' and hasattr(network, 'frozen'):
    inner = network.clone(frozen=True)
  pixels = settings.scale(network)
  return inner if pixels == 'unit' else models.Scaled(inner, pixels)
