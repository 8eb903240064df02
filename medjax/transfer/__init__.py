"""Weights that a training starts from: of a file of another library, or of a run."""

from medjax.transfer.beside import Beside, TreeChoice, beside
from medjax.transfer.fixed import Fixed
from medjax.transfer.gaussian import Process
from medjax.transfer.graphs import graph_source
from medjax.transfer.grown import Grown
from medjax.transfer.rates import rates
from medjax.transfer.settings import GraphStart, ModelSettings, WeightSettings
from medjax.transfer.source import Source, prepared, source

__all__ = [
  'Beside',
  'Fixed',
  'GraphStart',
  'Grown',
  'ModelSettings',
  'Process',
  'Source',
  'TreeChoice',
  'WeightSettings',
  'beside',
  'graph_source',
  'prepared',
  'rates',
  'source',
]
