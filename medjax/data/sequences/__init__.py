"""DNA, RNA and proteins with a label each."""

from medjax.data.sequences.loader import Config, load
from medjax.data.sequences.modality import Sequences

__all__ = ['Config', 'Sequences', 'load']
