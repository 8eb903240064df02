"""Labelled images: a folder, the TFDS catalogue or simulated ones; stored by TFDS, then decoded."""

from medjax.data.images.config import Config
from medjax.data.images.loader import load
from medjax.data.images.modality import Images

__all__ = ['Config', 'Images', 'load']
