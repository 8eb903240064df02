"""Signals, one heartbeat each."""

from medjax.data.signals.loader import Config, load
from medjax.data.signals.modality import Signals

__all__ = ['Config', 'Signals', 'load']
