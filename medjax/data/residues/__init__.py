"""Proteins with a state at each residue."""

from medjax.data.residues.loader import UNKNOWN, Chain, Config, load, read
from medjax.data.residues.modality import Residues

__all__ = ['UNKNOWN', 'Chain', 'Config', 'Residues', 'load', 'read']
