"""Settings of molecules that a language model learns to write."""

import dataclasses
from typing import Literal

from medjax.config import setting
from medjax.data.settings import Settings


@dataclasses.dataclass
class Config(Settings):
  """Which molecules, and how they are written."""

  source: str = setting(
    'simulated', "'simulated', or a file: a table (.csv, .tsv), .smi or .sdf, each also as .gz."
  )
  smiles_column: str = setting('', 'Column with the SMILES; empty finds it by name or content.')
  split_column: str = setting(
    'split', 'Column with train, val or test, if there is one; empty to draw splits.'
  )
  limit: int = setting(0, 'Molecules to take of the source, drawn by the seed; 0 for all.', low=0)
  stereo: Literal['keep', 'drop'] = setting(
    'keep', 'Stereochemistry as it is written, or none, so that isomers are one molecule.'
  )
  max_atoms: int = setting(500, 'Heavy atoms of a molecule, at most.', low=1, high=10_000)
  max_tokens: int = setting(
    150, 'Tokens of a SMILES, at most; longer molecules are left out.', low=5, high=2000
  )
  max_broken: float = setting(
    0.05, 'Share of the molecules that may be unreadable and are left out.', low=0.0, high=1.0
  )
  simulated_molecules: int = setting(3000, 'Molecules to simulate.', low=100, high=100_000)
