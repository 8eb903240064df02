"""Weights that a training starts from: of a file of another library, or of a run."""

from medjax.transfer.graphs import graph_source
from medjax.transfer.rates import rates
from medjax.transfer.settings import GraphStart, ModelSettings, WeightSettings
from medjax.transfer.source import Source, prepared, source
from medjax.transfer.trees import Grown, TreeChoice, grown

__all__ = [
  'GraphStart',
  'Grown',
  'ModelSettings',
  'Source',
  'TreeChoice',
  'WeightSettings',
  'graph_source',
  'grown',
  'prepared',
  'rates',
  'source',
]
