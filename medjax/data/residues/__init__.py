"""Proteins with a state at each residue."""

from medjax.data.residues.loader import UNKNOWN, Chain, Config, load, read

__all__ = ['UNKNOWN', 'Chain', 'Config', 'load', 'read']
