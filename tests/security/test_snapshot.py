"""Encrypted copies of a folder in memory, and the runs that are kept so."""

import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest

from medjax.errors import UserError
from medjax.security import aead, commands, identity, memory, sealed_run, snapshot
from medjax.security.aead import TamperedError
from medjax.security.snapshot import Snapshot


@pytest.fixture
def live(tmp_path):
  folder = tmp_path / 'live'
  (folder / 'predictions').mkdir(parents=True)
  (folder / 'predictions' / 'test.csv').write_text('id,p\nPATIENT-1,0.5\n')
  (folder / 'report.html').write_bytes(os.urandom(300))
  (folder / 'empty').write_bytes(b'')
  return folder


@pytest.fixture
def copy(live, tmp_path):
  return Snapshot(tmp_path / 'sealed', live, aead.new_key(), 'run 1')


def _again(copy, live):
  return Snapshot(copy.disk, live, copy._key, copy._name)


def test_what_was_saved_comes_back(copy, live, tmp_path, of_source, monkeypatch):
  monkeypatch.setattr(snapshot, '_PIECE', 100)  # a file of several pieces
  assert copy.save()
  assert not copy.save()
  assert b'PATIENT' not in b''.join(of_source(copy.disk).values())
  (tmp_path / 'new').mkdir()
  again = _again(copy, tmp_path / 'new')
  again.restore()
  assert of_source(tmp_path / 'new') == of_source(live)
  assert not again.save()
  (tmp_path / 'new' / 'report.html').unlink()
  (tmp_path / 'new' / 'empty').write_bytes(b'now')
  assert again.save()
  assert sorted(_again(copy, live).load()) == ['empty', 'predictions/test.csv']
  assert len(list(copy.disk.iterdir())) == 3  # with the index; old copies are gone


def test_what_is_being_written_waits(copy, live):
  (live / '.report.html.123').write_text('half')
  step = live / 'checkpoints' / '5.orbax-checkpoint-tmp'
  step.mkdir(parents=True)
  (step / 'array').write_text('half')
  copy.save()
  assert sorted(copy.load()) == ['empty', 'predictions/test.csv', 'report.html']


def test_a_save_that_was_stopped_leaves_the_copy_before(copy, live, tmp_path, monkeypatch):
  copy.save()
  before = (live / 'report.html').read_bytes()
  (live / 'report.html').write_text('new')
  (live / 'predictions' / 'test.csv').write_text('new')
  write = snapshot.private_files.write

  def stopping(path, content, mode):
    if path.name == 'index':
      raise KeyboardInterrupt
    write(path, content, mode)

  monkeypatch.setattr(snapshot.private_files, 'write', stopping)
  with pytest.raises(KeyboardInterrupt):
    copy.save()
  again = _again(copy, tmp_path)
  again.load()
  assert again.content('report.html') == before


def test_every_change_of_a_copy_is_found(copy, live, tmp_path, monkeypatch):
  monkeypatch.setattr(snapshot, '_PIECE', 100)
  copy.save()
  draw, paths = random.Random(0), sorted(copy.disk.iterdir())
  whole = {path: path.read_bytes() for path in paths}
  blobs = [path for path in paths if path.name != 'index']
  for number in range(300):
    path = draw.choice(paths)
    content = bytearray(whole[path])
    kind = number % 5
    if kind == 0:
      content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    elif kind == 1:
      del content[draw.randrange(len(content)) :]
    elif kind == 2:
      content += draw.randbytes(draw.randrange(1, 200))
    elif kind == 3:
      one, path = draw.sample(blobs, 2)
      content = whole[one]
    else:
      content = None
    path.unlink()
    if content is not None:
      path.write_bytes(content)
    again = _again(copy, tmp_path)
    with pytest.raises(TamperedError):
      _read_all(again)
    path.write_bytes(whole[path])


def _read_all(copy):
  for name in copy.load():
    copy.content(name)
  if not copy.version:
    raise TamperedError('the index is gone, which the version that is remembered tells')


def test_runs_are_of_who_began_them(owner, anna, tmp_path, of_source, monkeypatch, capsys):
  folder = tmp_path / 'run'
  begun = sealed_run.begin(folder, [owner.person, anna.person])
  with sealed_run.at_work(begun) as live:
    assert live.name == 'run'
    (live / 'report.html').write_text('PATIENT-1')
    with (
      pytest.raises(UserError, match='another command is at work on this encrypted run'),
      sealed_run.at_work(begun),
    ):
      pass
  assert not live.exists()
  assert b'PATIENT' not in b''.join(of_source(folder).values())
  monkeypatch.setenv('ANNAS', anna.secret())
  out = str(tmp_path / 'page.html')
  words = ['report', str(folder), '--decrypt', f'--output={out}', '--key=env:ANNAS']
  assert commands.main(words) == 0
  assert pathlib.Path(out).read_text() == 'PATIENT-1'
  monkeypatch.setenv('EVES', identity.generate('eve').secret())
  assert commands.main([*words[:-1], '--key=env:EVES']) == 2
  assert 'eve may not read this run; olga, anna may' in capsys.readouterr().err
  with pytest.raises(UserError, match=r'has no other\.html'):
    list(sealed_run.read(begun, ['other.html']))
  assert commands.main(['verify', str(folder)]) == 0


def test_of_several_runs_it_is_the_page_of_all(owner, tmp_path):
  begun = sealed_run.begin(tmp_path / 'run', [owner.person])
  with sealed_run.at_work(begun) as live:
    (live / 'fold-0').mkdir()
    (live / 'fold-0' / 'report.html').write_text('one')
    (live / 'crossval.html').write_text('all')
  assert list(sealed_run.read(begun, [sealed_run.PAGE])) == [('crossval.html', b'all')]


def test_an_older_run_and_a_missing_index_are_noticed(owner, tmp_path):
  import shutil

  begun = sealed_run.begin(tmp_path / 'run', [owner.person])
  with sealed_run.at_work(begun) as live:
    (live / 'a').write_text('1')
  shutil.copytree(tmp_path / 'run', tmp_path / 'old')
  with sealed_run.at_work(begun) as live:
    assert (live / 'a').read_text() == '1'
    (live / 'a').write_text('2')
  shutil.rmtree(tmp_path / 'run')
  shutil.copytree(tmp_path / 'old', tmp_path / 'run')
  with (
    pytest.raises(TamperedError, match='an old copy was put back'),
    sealed_run.at_work(sealed_run.open_run(tmp_path / 'run')),
  ):
    pass
  (tmp_path / 'run' / 'sealed' / 'index').unlink()
  with pytest.raises(TamperedError, match='an old copy was put back'):
    list(sealed_run.read(sealed_run.open_run(tmp_path / 'run'), []))


def test_a_folder_with_files_in_clear_is_refused(owner, tmp_path):
  (tmp_path / 'config.json').write_text('{}')
  with pytest.raises(UserError, match='holds files in clear'):
    sealed_run.begin(tmp_path, [owner.person])


def test_memory_is_left_empty_by_a_process_that_is_killed(tmp_path):
  code = (
    'from medjax.security import memory\nimport time\n'
    'with memory.folder("run") as path:\n'
    '  (path / "x").write_text("PATIENT")\n  print(path, flush=True)\n  time.sleep(60)\n'
  )
  process = subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, text=True)
  path = pathlib.Path(process.stdout.readline().strip())
  assert (path / 'x').exists()
  assert path.parent.stat().st_mode & 0o077 == 0
  process.send_signal(signal.SIGKILL)
  process.wait()
  ends = time.monotonic() + 30
  while path.parent.exists() and time.monotonic() < ends:
    time.sleep(0.05)
  assert not path.parent.exists()


def test_a_folder_on_a_disk_is_no_memory(monkeypatch, tmp_path):
  if memory._kind(str(tmp_path)) in ('tmpfs', 'ramfs'):
    pytest.skip('temporary files are in memory here')
  monkeypatch.setenv('MEDJAX_MEMORY', str(tmp_path))
  with pytest.raises(UserError, match='is no folder in memory'), memory.folder('run'):
    pass
