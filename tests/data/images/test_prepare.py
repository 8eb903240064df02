"""Stored data: exact, keyed by content, made once, without TensorFlow."""

import dataclasses
import errno
import shutil

import numpy as np
import pytest
from tensorflow_datasets.core import hashing

from medjax.data.images import Config, Images, prepare
from medjax.data.images.messages import EmptySliceError
from medjax.data.images.source import Record, Source
from medjax.data.images.store import MedicalImages
from medjax.errors import DiskFullError, UserError

SIZE = Images(16, 16, 1)


@pytest.fixture
def source():
  def record(i):
    pixels = np.random.default_rng(i).integers(0, 255, (16, 16, 1), np.uint8)
    read = lambda size, channels: (pixels, 'ab'[i % 2], {'age': str(i)})  # noqa: E731
    return Record(f'case-{i}', ('train', 'val')[i % 3 == 0], f'p{i}', read)

  return Source('made', [record(i) for i in range(9)], ('a', 'b'), 'f00', simulated=True)


def test_stored_examples_come_back_exactly(source, tmp_path):
  data = prepare.prepare(source, SIZE, tmp_path)
  assert {name: len(split) for name, split in data.splits.items()} == {'train': 6, 'val': 3}
  assert data.simulated
  assert data.classes == ('a', 'b')
  for split in data.splits.values():
    batch = split.read(range(len(split)))
    for row, name in enumerate(split.id):
      i = int(name.split('-')[1])
      pixels, label, metadata = source.records[i].read(16, 1)
      np.testing.assert_array_equal(batch['image'][row], pixels)
      assert data.classes[batch['label'][row]] == label
      assert split.group[row] == f'p{i}'
      assert split.metadata['age'][row] == metadata['age']
  summary = data.summary()
  assert summary['splits']['val'] == {'examples': 3, 'groups': 3, 'classes': {'a': 2, 'b': 1}}


def test_second_time_reads_the_cache_and_other_content_gets_another(source, tmp_path):
  first = prepare.prepare(source, SIZE, tmp_path)

  def fail(size, channels):
    raise AssertionError('read again')

  unread = [dataclasses.replace(r, read=fail) for r in source.records]
  again = prepare.prepare(dataclasses.replace(source, records=unread), SIZE, tmp_path)
  assert again.fingerprint == first.fingerprint
  other = prepare.prepare(dataclasses.replace(source, fingerprint='f01'), SIZE, tmp_path)
  assert other.fingerprint != first.fingerprint
  assert len(list(tmp_path.iterdir())) == 2


def test_other_splits_of_the_same_content_store_nothing_anew(source, tmp_path, monkeypatch):
  monkeypatch.setattr(prepare, '_AT_ONCE', 4)  # nine rows are read in three parts
  source = dataclasses.replace(source, content='c00')
  prepare.prepare(source, SIZE, tmp_path)
  records = [dataclasses.replace(r, split='val') for r in source.records[:2]]
  records += [dataclasses.replace(r, split='train') for r in source.records[2:]]
  other = dataclasses.replace(source, records=records, fingerprint='f02')
  data = prepare.prepare(other, SIZE, tmp_path)
  assert len(list(tmp_path.iterdir())) == 1
  assert sorted(data.splits['val'].id.tolist()) == ['case-0', 'case-1']
  for split in data.splits.values():
    for row, name in enumerate(split.id):
      pixels, _, _ = source.records[int(name.split('-')[1])].read(16, 1)
      np.testing.assert_array_equal(split.read([row])['image'][0], pixels)


def test_a_split_is_in_the_order_in_which_tfds_would_store_it(source, tmp_path):
  for name, split in prepare.prepare(source, SIZE, tmp_path).splits.items():
    hasher = hashing.Hasher(name)
    assert split.id.tolist() == sorted(split.id.tolist(), key=hasher.hash_key)


def test_a_complete_cache_is_read_without_writing(source, tmp_path):
  prepare.prepare(source, SIZE, tmp_path)
  (lock,) = tmp_path.glob('*/lock')
  lock.unlink()
  lock.mkdir()  # to open it for writing now fails, as on a disk that is read-only
  assert len(prepare.prepare(source, SIZE, tmp_path).splits['train']) == 6


@pytest.mark.parametrize('lost', ['shard', 'half a shard', 'description', 'folder'])
def test_a_damaged_cache_is_made_again(source, tmp_path, lost):
  prepare.prepare(source, SIZE, tmp_path)
  (stored,) = tmp_path.glob('*/medical_images/1.0.0')
  (shard,) = stored.glob('*-examples.array_record-*')
  if lost == 'shard':
    shard.unlink()
  elif lost == 'half a shard':
    shard.write_bytes(shard.read_bytes()[: shard.stat().st_size // 2])
  elif lost == 'description':
    (stored / 'dataset_info.json').write_text('')
  else:
    shutil.rmtree(stored.parent)
  train = prepare.prepare(source, SIZE, tmp_path).splits['train']
  assert train.read(range(6))['image'].shape == (6, 16, 16, 1)


@pytest.mark.parametrize(
  'name', ['*-examples.array_record-*', 'dataset_info.json', 'features.json']
)
def test_a_flipped_bit_of_the_cache_is_found_and_the_data_prepared_again(source, tmp_path, name):
  expected = prepare.prepare(source, SIZE, tmp_path).splits['train'].read(range(6))
  (path,) = tmp_path.glob(f'*/medical_images/1.0.0/{name}')
  whole = path.read_bytes()
  for place in np.random.default_rng(0).integers(0, 8 * len(whole), 4).tolist():
    damaged = bytearray(whole)
    damaged[place // 8] ^= 1 << place % 8
    path.write_bytes(damaged)
    found = prepare.prepare(source, SIZE, tmp_path).splits['train'].read(range(6))
    np.testing.assert_array_equal(found['image'], expected['image'])
    np.testing.assert_array_equal(found['label'], expected['label'])
    assert path.read_bytes() != bytes(damaged)


def test_an_unreadable_image_is_named_and_nothing_half_made_is_used(source, tmp_path):
  def fail(size, channels):
    raise UserError('case-4.png: cannot be read: truncated')

  records = list(source.records)
  broken = dataclasses.replace(records[4], read=fail)
  bad = dataclasses.replace(source, records=[*records[:4], broken, *records[5:]])
  with pytest.raises(UserError, match=r'case-4.png: cannot be read'):
    prepare.prepare(bad, SIZE, tmp_path)
  assert len(prepare.prepare(source, SIZE, tmp_path).splits['train']) == 6


def test_all_unreadable_images_are_named_at_once(source, tmp_path):
  def broken(record):
    def fail(size, channels):
      raise UserError(f'/images/{record.id}: cannot be read: truncated')

    return dataclasses.replace(record, read=fail)

  records = [broken(r) if r.id in ('case-4', 'case-6') else r for r in source.records]
  with pytest.raises(UserError) as caught:
    prepare.prepare(dataclasses.replace(source, records=records), SIZE, tmp_path)
  assert str(caught.value).splitlines() == [
    '2 images cannot be used',
    '  /images/case-4: cannot be read: truncated',
    '  /images/case-6: cannot be read: truncated',
  ]
  records = [
    dataclasses.replace(broken(r), id=f'{r.id}-{i}') for i in range(2) for r in source.records
  ]
  with pytest.raises(UserError, match='18 images cannot be used') as caught:
    prepare.prepare(dataclasses.replace(source, records=records), SIZE, tmp_path)
  lines = str(caught.value).splitlines()
  assert (len(lines), lines[-1]) == (12, '  and 8 more')


@pytest.mark.parametrize(
  'error',
  [
    OSError(errno.ENOSPC, 'No space left on device'),
    RuntimeError(
      'Failed to finalize writing of split "train": Write error: No space left on device'
    ),
  ],
)
def test_a_full_disk_is_one_line(source, tmp_path, monkeypatch, error):
  def fail(builder):
    raise error

  monkeypatch.setattr(MedicalImages, 'download_and_prepare', fail)
  with pytest.raises(
    DiskFullError, match=r': the cache cannot be written: No space left on device$'
  ):
    prepare.prepare(source, SIZE, tmp_path)


def test_a_cache_that_cannot_be_written_is_one_line(source, tmp_path):
  (tmp_path / 'file').write_text('')
  with pytest.raises(UserError, match='the cache cannot be written'):
    prepare.prepare(source, SIZE, tmp_path / 'file')


def _with_broken(source, broken, empty=()):
  """40 images, of which those of some numbers cannot be read and others show nothing."""

  def record(i):
    def read(size, channels):
      if i in broken:
        raise UserError(f'/images/case-{i}: cannot be read: truncated')
      if i in empty:
        raise EmptySliceError(f'/images/case-{i}: a slice that is all one number')
      return np.random.default_rng(i).integers(0, 255, (16, 16, 1), np.uint8), 'ab'[i % 2], {}

    where = ('train', 'train', 'val', 'test')[i // 2 % 4]
    return Record(f'case-{i}', where, f'p{i}', read, where)

  records = [record(i) for i in range(40)]
  return dataclasses.replace(source, records=records, simulated=False, fingerprint=f'{broken}')


def test_a_few_broken_images_are_left_out_and_listed(source, tmp_path):
  settings = Config()
  assert settings.max_broken == 0.05
  bad = _with_broken(source, (3, 9), empty=(20,))
  for _ in range(2):  # also from the cache
    data = prepare.prepare(bad, SIZE, tmp_path, settings=settings)
    names = {name for split in data.splits.values() for name in split.id.tolist()}
    assert names == {f'case-{i}' for i in range(40)} - {'case-3', 'case-9', 'case-20'}
    assert data.notes[:4] == (
      '1 slices in which nothing is to be seen are left out',
      '2 of 40 images cannot be read and are left out:',
      '/images/case-3: cannot be read: truncated',
      '/images/case-9: cannot be read: truncated',
    )
  strict = dataclasses.replace(settings, max_broken=0.04)
  tail = r' \(of 40; config.data.max_broken=0.04 leaves out at most 1\)'
  for cache in (tmp_path, tmp_path / 'other'):  # stored before, and not
    with pytest.raises(UserError, match=f'2 images cannot be used{tail}'):
      prepare.prepare(bad, SIZE, cache, settings=strict)


def test_many_broken_images_are_counted_and_ten_named(source, tmp_path):
  settings = Config(max_broken=0.5)
  even, some = (_with_broken(source, tuple(numbers)) for numbers in (range(0, 40, 2), range(4, 24)))
  text = r"20 images that cannot be used, the first .* leave none of class 'a' in train"
  with pytest.raises(UserError, match=text):
    prepare.prepare(even, SIZE, tmp_path, settings=settings)
  data = prepare.prepare(some, SIZE, tmp_path, settings=settings)
  assert data.notes[0] == '20 of 40 images cannot be read and are left out:'
  assert data.notes[10:12] == ('/images/case-13: cannot be read: truncated', 'and 10 more')


def test_without_the_broken_images_no_split_may_be_empty(source, tmp_path):
  val = tuple(i for i in range(40) if i // 2 % 4 == 2)
  with pytest.raises(UserError, match=r'10 images that cannot be used.* leave none in val'):
    prepare.prepare(_with_broken(source, val), SIZE, tmp_path, settings=Config(max_broken=0.5))


def test_images_that_all_show_nothing_are_refused(source, tmp_path):
  empty = _with_broken(source, (), empty=range(40))
  with pytest.raises(UserError, match='made: no image has anything to be seen in it'):
    prepare.prepare(empty, SIZE, tmp_path, settings=Config())
