"""Files of molecules as people have them; shared by tests of molecules."""

import csv

from medjax.data import molecules

# Alkylated rings with a halogen or without: many scaffolds, two classes.
_RINGS = ('c1ccccc1', 'C1CCCCC1', 'c1ccncc1', 'C1CCNCC1', 'c1ccsc1', 'C1CCOC1', 'c1ccc2ccccc2c1',
          'C1CC1', 'c1cnc[nH]1', 'C1CCCC1')  # fmt: skip
_TAILS = ('C', 'CC', 'CCC', 'CO', 'CCO', 'CN')


def made_rows():
  """60 different molecules with a label and a number."""
  return [
    {'smiles': f'{tail}{halogen}{ring}', 'label': label, 'pIC50': f'{4 + i * 0.5 + len(tail):.2f}'}
    for i, ring in enumerate(_RINGS)
    for tail in _TAILS
    for halogen, label in [('C(Cl)', 'active') if (i + len(tail)) % 2 else ('', 'inactive')]
  ]


def write(path, rows, delimiter=','):
  """A table; columns are those of the first row."""
  with open(path, 'w', newline='', encoding='utf-8') as file:
    writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
  return str(path)


def load(source, **settings):
  return molecules.load(molecules.Config(source=str(source), **settings))


def read_all(data):
  """(SMILES, label, split) of every molecule, by id."""
  return {
    name: (split.metadata['smiles'][row], split.label[row], where)
    for where, split in data.splits.items()
    for row, name in enumerate(split.id.tolist())
  }


def noted(data, words):
  """The only note with these words."""
  (found,) = [note for note in data.notes if words in note]
  return found
