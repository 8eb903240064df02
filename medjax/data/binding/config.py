"""Settings of pairs of a drug and a target."""

import dataclasses
from typing import Literal

from medjax.config import setting
from medjax.data.settings import Settings
from medjax.errors import UserError


@dataclasses.dataclass
class Config(Settings):
  """Which pairs, what is known of them, and what the network sees of them."""

  source: str = setting(
    'simulated', "'simulated', or a table (.csv, .tsv, .txt, each also as .gz)."
  )
  smiles_column: str = setting('', 'Column with the SMILES; empty finds it by name or content.')
  sequence_column: str = setting('', 'Column with the protein; empty finds it by name or content.')
  affinity_column: str = setting(
    '', "Column with the affinity; empty for 'affinity', 'label', 'Y', 'pKd' and their like."
  )
  affinity: Literal['as_is', 'minus_log10_nM'] = setting(
    'as_is', 'Affinities as they stand, or 9 - log10 of a Kd, Ki or IC50 in nM, which is pKd.'
  )
  tautomers: Literal['keep', 'canonical'] = setting(
    'keep', "Tautomers as they are written, or RDKit's canonical one."
  )
  stereo: Literal['keep', 'drop'] = setting(
    'keep', 'Stereochemistry as it is written, or none, so that isomers are one drug.'
  )
  max_atoms: int = setting(500, 'Heavy atoms of a molecule, at most.', low=1, high=10_000)
  max_residues: int = setting(
    1200,
    'Residues that the network sees; of longer chains see keep.',
    low=10,
    high=100_000,
    inputs=True,
  )
  keep: Literal['middle', 'ends'] = setting(
    'middle',
    'Which residues of a longer chain it sees: the middle, or half from either end.',
    inputs=True,
  )
  max_broken: float = setting(
    0.05, 'Share of the rows that may be unreadable and are left out.', low=0.0, high=1.0
  )
  split: Literal['cold_drug', 'cold_target', 'cold_both', 'random'] = setting(
    'cold_drug',
    'How splits are drawn where none are given: test pairs have new drugs, new targets, both, or '
    'only are new pairs.',
  )
  split_column: str = setting(
    'split', 'Column with train, val or test, if there is one; empty to draw splits.'
  )
  similar: Literal['near', 'identical'] = setting(
    'near', 'Targets that count as one for splits: near copies, such as mutants, or identical ones.'
  )
  allow_group_overlap: bool = setting(
    True, 'Accept a pair, but for near copies, in two given splits, with a note.'
  )
  radius: int = setting(
    2, 'Bonds around an atom that a fingerprint sees; 2 is ECFP4.', low=0, high=5, inputs=True
  )
  bits: int = setting(2048, 'Places of the fingerprint.', low=64, high=2**16, inputs=True)
  counts: Literal['log1p', 'counts', 'bits'] = setting(
    'log1p', 'What stands at a place: log(1 + count), the count, or 1.', inputs=True
  )
  outside: float = setting(
    0.05,
    'Share of validation drugs, the least similar to training, that are outside of the '
    'applicability domain; no interval is given for drugs like them.',
    low=0.0,
    high=0.5,
  )
  simulated_drugs: int = setting(240, 'Molecules to simulate.', low=20, high=10_000)
  simulated_targets: int = setting(60, 'Proteins to simulate.', low=10, high=10_000)

  def validate(self) -> None:
    """Raises UserError for settings that contradict each other."""
    if self.folds and self.split == 'cold_both':
      raise UserError(
        'config.data.folds and config.data.split=cold_both: folds leave out pairs each; expected '
        'cold_drug, cold_target or random'
      )
