"""Proteins with a state at each residue."""

from medjax.data.residues.aligned import UNKNOWN, Chain, read
from medjax.data.residues.config import Config
from medjax.data.residues.loader import load
from medjax.data.residues.modality import Residues

__all__ = ['UNKNOWN', 'Chain', 'Config', 'Residues', 'load', 'read']
