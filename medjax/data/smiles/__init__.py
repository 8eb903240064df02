"""Molecules as they are written: sequences of the tokens of a SMILES."""

from medjax.data.smiles.config import Config
from medjax.data.smiles.loader import load
from medjax.data.smiles.modality import Smiles
from medjax.data.smiles.tokens import Vocabulary, tokens

__all__ = ['Config', 'Smiles', 'Vocabulary', 'load', 'tokens']
