"""DNA, RNA and proteins with a label each."""

from medjax.data.sequences.config import Config
from medjax.data.sequences.loader import load
from medjax.data.sequences.modality import Sequences

__all__ = ['Config', 'Sequences', 'load']
