"""Random changes to an encrypted set, such as damage, and somebody who can write, make."""

import json
import pathlib
import shutil

from array_record.python import array_record_module


def flip(random, folder, others):
  """Another bit in a file."""
  path = _any(random, folder)
  content = bytearray(path.read_bytes())
  at = random.randrange(len(content))
  content[at] ^= 1 << random.randrange(8)
  path.write_bytes(content)
  return f'bit of {path.name} at {at}'


def truncate(random, folder, others):
  """The end of a file is lost."""
  path = _any(random, folder)
  content = path.read_bytes()
  path.write_bytes(content[: random.randrange(len(content))])
  return f'end of {path.name}'


def lengthen(random, folder, others):
  """More bytes at the end of a file."""
  path = _any(random, folder)
  path.write_bytes(path.read_bytes() + random.randbytes(random.randrange(1, 40)))
  return f'more of {path.name}'


def swap_files(random, folder, others):
  """Two files of records in each other's place."""
  one, other = random.sample(sorted(folder.glob('*.array_record')), 2)
  first = one.read_bytes()
  one.write_bytes(other.read_bytes())
  other.write_bytes(first)
  return f'{one.name} for {other.name}'


def drop_file(random, folder, others):
  """A file is gone."""
  path = _any(random, folder)
  path.unlink()
  return f'no {path.name}'


def move_records(random, folder, others):
  """Records dropped, repeated or swapped in a file that is whole."""
  path = random.choice(sorted(folder.glob('*.array_record')))
  records = _records(path)
  what = random.choice(['drop', 'repeat', 'swap'] if len(records) > 1 else ['drop', 'repeat'])
  at = random.randrange(len(records))
  if what == 'drop':
    del records[at]
  elif what == 'repeat':
    records.insert(at, records[at])
  else:
    other = random.choice([i for i in range(len(records)) if i != at])
    records[at], records[other] = records[other], records[at]
  write_records(path, records)
  return f'{what} in {path.name}'


def of_another_set(random, folder, others):
  """A file of another set of the same owner, with the same files."""
  path = _any(random, folder, [f.name for f in others['another'].iterdir()])
  shutil.copy(others['another'] / path.name, path)
  return f'{path.name} of another set'


def roll_back(random, folder, others):
  """A file, or all of them, as they were before the last change."""
  old = others['older']
  if random.random() < 0.2:
    shutil.rmtree(folder)
    shutil.copytree(old, folder)
    return 'all as it was before'
  path = random.choice([folder / 'vault.json', folder / 'log.jsonl'])
  shutil.copy(old / path.name, path)
  return f'{path.name} as it was before'


def old_record(random, folder, others):
  """A record as it was under the key before, in a file that is whole."""
  path = random.choice(sorted(folder.glob('*.array_record')))
  records = _records(path)
  of_old = _records(others['older'] / path.name.replace('-0002-', '-0001-'))
  at = random.randrange(len(records))
  records[at] = of_old[at]
  write_records(path, records)
  return f'record {at} of {path.name} under the old key'


def edit_log(random, folder, others):
  """Entries dropped, repeated, swapped, changed or cut off."""
  path = folder / 'log.jsonl'
  lines = path.read_bytes().splitlines(keepends=True)
  what = random.choice(['drop', 'repeat', 'swap', 'edit', 'cut'])
  at = random.randrange(len(lines))
  if what == 'drop':
    del lines[at]
  elif what == 'repeat':
    lines.insert(at, lines[at])
  elif what == 'cut':
    del lines[at:]
  elif what == 'swap':
    other = random.choice([i for i in range(len(lines)) if i != at])
    lines[at], lines[other] = lines[other], lines[at]
  else:
    entry = json.loads(lines[at])
    name = random.choice(['time', 'what', 'number', 'before', 'set', 'about', 'who'])
    entry[name] = random.choice(['2020-01-01T00:00:00+00:00', 7, 'grant', {'to': 'eve'}, ''])
    lines[at] = json.dumps(entry, sort_keys=True, separators=(',', ':')).encode() + b'\n'
  path.write_bytes(b''.join(lines))
  return f'{what} entry {at + 1}'


def edit_manifest(random, folder, others):
  """Another value in the manifest, written as it would be."""
  path = folder / 'vault.json'
  value = json.loads(path.read_bytes())
  name = random.choice(['version', 'epoch', 'stale', 'entries', 'head', 'set', 'grants', 'shards'])
  if name in ('grants', 'shards'):
    value[name] = value[name][:-1]
  elif name == 'stale':
    value[name] = not value[name]
  else:
    value[name] = value[name] + (1 if isinstance(value[name], int) else 'a')
  path.write_bytes(json.dumps(value, indent=1, sort_keys=True).encode() + b'\n')
  return f'{name} of the manifest'


EVERY = (
  flip, flip, flip, truncate, lengthen, swap_files, drop_file, move_records, of_another_set,
  roll_back, old_record, edit_log, edit_log, edit_manifest,
)  # fmt: skip


def _any(random, folder, names=None) -> pathlib.Path:
  found = sorted(path for path in folder.iterdir() if not path.name.startswith('.'))
  return random.choice([path for path in found if names is None or path.name in names])


def _records(path):
  reader = array_record_module.ArrayRecordReader(str(path), 'readahead_buffer_size:0')
  return reader.read_all()


def write_records(path, records):
  """A file with records as they are."""
  writer = array_record_module.ArrayRecordWriter(str(path), 'group_size:1,uncompressed')
  for record in records:
    writer.write(record)
  writer.close()
