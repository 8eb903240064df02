"""What data.json says of a data set."""

import dataclasses
import json

import numpy as np
import pytest

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
  data, path = make_experiment().data, tmp_path / 'data.json'
  path.write_text(json.dumps(data.summary()))
  found = dataset.describe(path)
  assert found == data.summary()
  empty = dataset.without_examples(found, data.modality)
  assert (empty.splits, empty.classes, empty.input_shape) == ({}, data.classes, data.input_shape)
  assert (empty.name, empty.fingerprint, empty.simulated) == ('made', 'made-50', True)
  assert empty.modality is data.modality


@pytest.mark.parametrize('text', ['{"source": "x"', '{"source": "x"}', '[1]', None])
def test_a_damaged_data_json_is_named(tmp_path, text):
  path = tmp_path / 'data.json'
  if text is not None:
    path.write_text(text)
  with pytest.raises(UserError, match=r'data.json: does not describe the data of a run'):
    dataset.describe(path)


def test_numbers_as_labels_have_no_classes(make_experiment):
  data = dataclasses.replace(make_experiment().data, classes=())
  summary = data.summary()
  assert summary['classes'] == []
  assert summary['splits']['val'] == {'examples': 21, 'groups': 21, 'classes': {}}
