"""Signals, one heartbeat each."""

from medjax.data.signals.loader import Config, load, open_signals

__all__ = ['Config', 'load', 'open_signals']
