"""Labelled images: a folder, the TFDS catalogue or simulated ones; stored by TFDS, then decoded."""

from medjax.data.images.config import Config, MaskConfig
from medjax.data.images.loader import load
from medjax.data.images.mask_loader import load_masks
from medjax.data.images.modality import Images

__all__ = ['Config', 'Images', 'MaskConfig', 'load', 'load_masks']
