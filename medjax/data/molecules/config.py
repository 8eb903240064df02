"""Settings of molecules."""

import dataclasses
from typing import Literal

from medjax.config import setting
from medjax.data import concentrations
from medjax.data.settings import ClassSettings
from medjax.errors import UserError


@dataclasses.dataclass
class Config(ClassSettings):
  """Which molecules, what is known of them, and what the network sees of them."""

  source: str = setting(
    'simulated', "'simulated', or a file: a table (.csv, .tsv), .smi or .sdf, each also as .gz."
  )
  smiles_column: str = setting('', 'Column with the SMILES; empty finds it by name or content.')
  label_column: str = setting(
    '', "Column with the class or the number; empty for 'label', or the only one there is."
  )
  label_columns: tuple[str, ...] = setting(
    (), "Columns of 1, 0 or nothing, predicted at once; 'all' for all but SMILES, id, split, date."
  )
  labels: Literal['auto', 'classes', 'numbers', 'none'] = setting(
    'auto',
    'What labels are; auto takes more than ten different numbers as numbers; with none no label is '
    'looked for, as for pretraining.',
  )
  numbers: concentrations.How = setting(
    'as_is', 'Numbers as they stand, or 9 - log10 of an IC50, Ki or Kd in nM, which is pIC50.'
  )
  id_column: str = setting('id', 'Column with a name for each molecule, if there is one.')
  charges: Literal['neutral', 'keep'] = setting(
    'neutral', 'Charges neutralised where that can be, or kept as they are written.'
  )
  tautomers: Literal['keep', 'canonical'] = setting(
    'keep', "Tautomers as they are written, or RDKit's canonical one."
  )
  stereo: Literal['keep', 'drop'] = setting(
    'keep', 'Stereochemistry as it is written, or none, so that isomers are one molecule.'
  )
  conflicts: Literal['auto', 'average', 'leave_out', 'refuse'] = setting(
    'auto', 'A molecule with different labels: average of numbers, left out, or an error; '
    'auto averages numbers and leaves out classes.'
  )  # fmt: skip
  max_atoms: int = setting(500, 'Heavy atoms of a molecule, at most.', low=1, high=10_000)
  max_broken: float = setting(
    0.05, 'Share of the molecules that may be unreadable and are left out.', low=0.0, high=1.0
  )
  split: Literal['scaffold', 'balanced_scaffold', 'cluster', 'time', 'random'] = setting(
    'balanced_scaffold',
    'How splits are drawn where none are given: scaffold puts the largest '
    'in train and the rarest in test; see medjax.data.molecules.rules.',
  )
  split_column: str = setting(
    'split', 'Column with train, val or test, if there is one; empty to draw splits.'
  )
  split_file: str = setting('', 'JSON file with the row numbers, from 0, of train, val and test.')
  split_name: str = setting(
    '', 'Key of the data set in split_file; empty for the name of the source.'
  )
  date_column: str = setting('date', 'Column with the date, for config.data.split=time.')
  cluster_similarity: float = setting(
    0.4,
    'Tanimoto similarity to the centre of a cluster, at least; the time is that of all pairs.',
    low=0.05,
    high=1.0,
  )
  allow_group_overlap: bool = setting(
    True, 'Accept copies and near copies of a molecule in two given splits, with a note.'
  )
  radius: int = setting(
    2, 'Bonds around an atom that a fingerprint sees; 2 is ECFP4.', low=0, high=5, inputs=True
  )
  bits: int = setting(2048, 'Places of the fingerprint.', low=64, high=2**16, inputs=True)
  counts: Literal['log1p', 'counts', 'bits'] = setting(
    'log1p', 'What stands at a place: log(1 + count), the count, or 1.', inputs=True
  )
  descriptors: bool = setting(
    False,
    "RDKit's descriptors, about 210, beside the fingerprint; about 10 ms a molecule.",
    inputs=True,
  )
  outside: float = setting(
    0.05,
    'Share of validation molecules, the least similar to training, that are outside of the '
    'applicability domain; nothing is decided of molecules like them.',
    low=0.0,
    high=0.5,
  )
  simulated_molecules: int = setting(3000, 'Molecules to simulate.', low=100, high=100_000)

  def validate(self) -> None:
    """Raises UserError for settings that contradict each other."""
    if self.label_column and self.label_columns:
      raise UserError('config.data.label_column and label_columns: expected one of them')
    if self.labels == 'none' and (self.label_column or self.label_columns):
      raise UserError('config.data.labels=none: labels are not read; expected no column with them')
    if self.folds and (self.split == 'time' or self.split_file):
      other = 'split_file' if self.split_file else 'split=time'
      raise UserError(f'config.data.folds and config.data.{other}: expected one of them')
    if self.numbers != 'as_is' and (self.label_columns or self.labels in ('classes', 'none')):
      raise UserError(f'config.data.numbers={self.numbers}: expected one column, of numbers')
    if self.label_columns and self.labels == 'numbers':
      raise UserError(
        'config.data.labels=numbers: several numbers at once are not predicted; expected '
        'config.data.label_column'
      )
    if self.conflicts == 'average' and self.label_columns:
      raise UserError('config.data.conflicts=average: expected numbers; classes have no average')
