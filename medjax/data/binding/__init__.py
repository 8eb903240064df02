"""Pairs of a drug and a target, with how strongly one binds the other."""

from medjax.data.binding.config import Config
from medjax.data.binding.loader import load
from medjax.data.binding.modality import DrugTargetPairs

__all__ = ['Config', 'DrugTargetPairs', 'load']
