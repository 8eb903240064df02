"""Which atoms of simulated molecules matter."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from medjax.data.dataset import Dataset
from medjax.data.molecules import toolkit

# An ``rdkit.Chem.Mol`` -> which of its atoms matter, bool [atoms].
Truth = Callable[[Any], np.ndarray]


def with_truth(data: Dataset, truth: Truth | None) -> Dataset:
  """The data set with the truth of its molecules; as it is where nobody knows or they are real."""
  if truth is None or not data.simulated or not data.splits:
    return data
  atoms = truth

  def of_row(split: str, row: int) -> np.ndarray:
    return atoms(toolkit.chem().MolFromSmiles(data.splits[split].metadata['smiles'][row]))

  return dataclasses.replace(data, truth=of_row)
