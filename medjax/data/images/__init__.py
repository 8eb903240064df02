"""Labelled images: a folder, the TFDS catalogue or simulated ones; stored by TFDS, then decoded."""

from medjax.data.images.loader import Config, files, load

__all__ = ['Config', 'files', 'load']
