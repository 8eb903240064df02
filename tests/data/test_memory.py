"""Examples in memory: read by number, and put into splits with everything of theirs."""

import numpy as np

from medjax.data import dataset, memory


def test_rows_in_memory_are_read_by_number():
  rows = memory.Rows({'values': np.arange(6.0).reshape(3, 2), 'weight': np.array([1, 2, 3])})
  assert len(rows) == 3
  found = rows.__getitems__([2, 0, 2])
  assert [row['values'].tolist() for row in found] == [[4, 5], [0, 1], [4, 5]]
  assert [row['weight'] for row in found] == [3, 1, 3]


def test_every_example_keeps_what_is_its_own():
  where = ['test', 'train', 'val', 'train', 'test', 'train']
  values = np.arange(12.0).reshape(6, 2)
  found = memory.splits(
    where,
    {'values': values},
    id=list('abcdef'),
    label=np.arange(6) * 10,
    group=list('uvwxyz'),
    metadata=[{'ward': str(i)} if i % 2 else {'age': str(i)} for i in range(6)],
    sizes={'places': np.arange(6) + 100},
    axes={'values': ('places',)},
  )
  assert list(found) == ['train', 'val', 'test']
  train = found['train']
  assert train.id.tolist() == ['b', 'd', 'f']
  np.testing.assert_array_equal(train.read([0, 1, 2])['values'][:, :2], values[[1, 3, 5]])
  assert train.label.tolist() == [10, 30, 50]
  assert train.group.tolist() == ['v', 'x', 'z']
  assert train.metadata == {'ward': ['1', '3', '5']}
  assert train.sizes['places'].tolist() == [101, 103, 105]
  assert found['val'].metadata == {'age': ['2']}
  assert found['test'].metadata == {'age': ['0', '4']}


def test_a_split_without_examples_is_not_there_and_columns_have_gaps():
  found = memory.splits(
    ['train'] * 2,
    {'values': np.zeros((2, 1))},
    id=['a', 'b'],
    label=np.zeros(2),
    group=['1', '2'],
    metadata=[{'ward': 'x'}, {'age': '7'}],
  )
  assert list(found) == ['train']
  assert found['train'].metadata == {'ward': ['x', ''], 'age': ['', '7']}


def test_splits_select_from_stored_rows():
  stored = memory.Rows({'number': np.arange(10, 14)})
  found = memory.splits(
    ['test', 'train', 'test', 'train'],
    dataset.Selected(stored, [3, 2, 1, 0]),
    id=list('abcd'),
    label=np.arange(4),
    group=list('abcd'),
    metadata=[{}] * 4,
    decode=lambda row: {'double': 2 * row['number']},
  )
  assert [len(found[name].source) for name in ('train', 'test')] == [2, 2]
  batch = found['train'].read([1, 0])
  assert (batch['double'].tolist(), batch['label'].tolist()) == ([20, 24], [3, 1])
  assert found['test'].read([0, 1])['double'].tolist() == [26, 22]
