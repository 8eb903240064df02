"""Molecules with a class, a number or several labels each."""

from medjax.data.molecules.config import Config
from medjax.data.molecules.loader import load
from medjax.data.molecules.modality import Molecules

__all__ = ['Config', 'Molecules', 'load']
