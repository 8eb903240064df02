"""A table as a hospital might have it; shared by tests of tables."""

import csv

import numpy as np

from medjax.data import tabular

COUNT = 60


def made_columns(count=COUNT, seed=0):
  """Ages, sexes and sites with gaps, and a label."""
  random = np.random.default_rng(seed)
  return {
    'age': [str(x) for x in random.normal(60, 10, count).round(2)],
    'sex': random.choice(['f', 'm'], count).tolist(),
    'site': random.choice(['north', 'south', 'NA', ''], count).tolist(),
    'label': ['healthy' if i % 3 else 'ill' for i in range(count)],
  }


def write_table(path, columns, delimiter=',', encoding='utf-8'):
  with open(path, 'w', newline='', encoding=encoding) as file:
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
  return str(path)


def load_table(source, **settings):
  reference = settings.pop('reference', False)
  return tabular.load(tabular.Config(source=str(source), **settings), reference=reference)


def splits_of(data):
  return {name: split for split_name, split in data.splits.items() for name in split.id
          for split in [split_name]}  # fmt: skip


def inputs_of(data):
  """Inputs of each example by its id."""
  return {
    name: row
    for split in data.splits.values()
    for name, row in zip(split.id, split.read(range(len(split)))['values'], strict=True)
  }
