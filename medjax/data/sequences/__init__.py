"""DNA, RNA and proteins with a label each."""

from medjax.data.sequences.loader import Config, load

__all__ = ['Config', 'load']
