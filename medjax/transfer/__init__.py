"""Weights that a training starts from: of a file of another library, or of a run."""

from medjax.transfer.rates import rates
from medjax.transfer.settings import ModelSettings, WeightSettings
from medjax.transfer.source import Source, prepared, source

__all__ = ['ModelSettings', 'Source', 'WeightSettings', 'prepared', 'rates', 'source']
