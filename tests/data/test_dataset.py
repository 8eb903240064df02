"""What data.json says of a data set."""

import dataclasses

import numpy as np
import pytest
import reseal

from medjax.data import dataset
from medjax.errors import UserError


def test_groups_in_two_splits_are_counted(make_experiment):
  data = make_experiment().data
  assert data.summary()['groups_in_two_splits'] == 0
  val = data.splits['val']
  shared = np.append(data.splits['train'].group[:2], val.group[2:])
  splits = data.splits | {'val': dataclasses.replace(val, group=shared)}
  assert dataclasses.replace(data, splits=splits).summary()['groups_in_two_splits'] == 2


def test_data_are_described_by_data_json(make_experiment, tmp_path):
  data = make_experiment().data
  found = reseal.described(tmp_path, data)
  assert found == data.summary()
  empty = dataset.without_examples(found, data.modality)
  assert (empty.splits, empty.classes, empty.input_shape) == ({}, data.classes, data.input_shape)
  assert (empty.name, empty.fingerprint, empty.simulated) == ('made', 'made-50', True)
  assert empty.modality is data.modality


def test_a_data_json_that_says_too_little_is_named(tmp_path):
  (tmp_path / 'data.json').write_text('{"source": "x"}')
  workdir = reseal.run_folder(tmp_path)
  with pytest.raises(UserError, match=r'data.json: does not describe .*: it has no classes'):
    dataset.describe(workdir)


def test_numbers_as_labels_have_no_classes(make_experiment):
  data = dataclasses.replace(make_experiment().data, classes=())
  summary = data.summary()
  assert summary['classes'] == []
  assert summary['splits']['val'] == {'examples': 21, 'groups': 21, 'classes': {}}
