"""Settings of chains with a state at each residue."""

import dataclasses

from medjax.config import setting
from medjax.data.settings import Settings


@dataclasses.dataclass
class Config(Settings):
  """Which chains, what says the state of their residues, and which of them test."""

  source: str = setting('simulated', "'simulated', or a FASTA file of protein chains.")
  labels: str = setting('', 'FASTA file with a letter for the state of each residue, same names.')
  mask: str = setting('', 'FASTA file with 1 for resolved residues and 0 for others; or none.')
  states: str = setting(
    '', 'What letters of the labels become, as in H=H,G=H,E=E,B=E,C=C; empty: as they are.'
  )
  split_pattern: str = setting(
    '', 'Regular expression whose group in a header is the split; empty: SET= and VALIDATION=.'
  )
  allow_group_overlap: bool = setting(False, 'Accept near copies in two given splits.')
  simulated: int = setting(2000, 'Chains to simulate.', low=50, high=10**6)
