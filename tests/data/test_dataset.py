"""What data.json says of a data set."""

import dataclasses

import numpy as np


def test_groups_in_two_splits_are_counted(make_experiment):
  data = make_experiment().data
  assert data.summary()['groups_in_two_splits'] == 0
  val = data.splits['val']
  shared = np.append(data.splits['train'].group[:2], val.group[2:])
  splits = data.splits | {'val': dataclasses.replace(val, group=shared)}
  assert dataclasses.replace(data, splits=splits).summary()['groups_in_two_splits'] == 2
