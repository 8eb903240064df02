"""What simulated data have in common."""

import dataclasses

import numpy as np
import pytest

from medjax.data import simulation
from medjax.errors import UserError


@dataclasses.dataclass
class Case:
  image: np.ndarray
  label: int
  places: tuple[int, ...]
  size_mm: float
  kind: str


def test_single_values_become_texts():
  case = Case(np.zeros(2), 1, (3,), 1.25, 'round')
  assert simulation.scalars(case) == {'size_mm': '1.25', 'kind': 'round'}
  rounded = simulation.scalars(case, ('kind',), lambda value: f'{value:.0f}')
  assert rounded == {'label': '1', 'size_mm': '1'}


def test_an_experiment_without_a_simulator_says_so():
  with pytest.raises(UserError, match=r'source=simulated: this experiment simulates no chains$'):
    simulation.require(None, 'simulates no chains')


def test_the_truth_is_found_by_the_index_of_the_simulator(make_experiment):
  data = make_experiment().data
  column = [str(5 * row) for row in range(len(data.splits['val']))]
  val = dataclasses.replace(data.splits['val'], metadata={'index': column})
  data = dataclasses.replace(data, splits=data.splits | {'val': val})
  data = simulation.with_truth(data, lambda index: np.arange(40) < index)
  assert data.truth('val', 3).sum() == 15
