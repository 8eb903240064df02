"""Signals, one heartbeat each."""

from medjax.data.signals.config import Config
from medjax.data.signals.loader import load
from medjax.data.signals.modality import Signals

__all__ = ['Config', 'Signals', 'load']
