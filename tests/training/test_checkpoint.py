"""Checkpoints: exact, kept and dropped as told, and what damage and full disks do."""

import os
import pathlib
import shutil
import subprocess
import sys

import jax
import numpy as np
import pytest

from medjax.errors import DiskFullError, UserError
from medjax.training import state
from medjax.training.checkpoint import Checkpoints, DamagedError, Position


@pytest.fixture(scope='module')
def begun(make_experiment):
  return state.create(make_experiment(), 0)


def _save(checkpoints, begun, step, score=None):
  moved = begun.replace(params=jax.tree.map(lambda p: p + step, begun.params))
  checkpoints.save(moved, Position(step, step // 5, step % 5, score, 'f00'))
  checkpoints.wait()
  return moved


def _same(one, other):
  pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
  return all(np.array_equal(a, b) for a, b in pairs)


def test_state_and_position_come_back_exactly(begun, tmp_path):
  with Checkpoints(tmp_path / 'c', keep=2) as checkpoints:
    saved = _save(checkpoints, begun, 7, 0.5)
  with Checkpoints(tmp_path / 'c', keep=2) as checkpoints:
    found, position = checkpoints.latest(begun)
  assert position == Position(7, 1, 2, 0.5, 'f00')
  assert jax.tree.structure(found) == jax.tree.structure(saved)
  assert _same(found, saved)


def test_newest_and_best_are_kept(begun, tmp_path):
  scores = {1: 0.6, 2: 0.9, 3: 0.7, 4: 0.9, 5: None, 6: 0.1}
  with Checkpoints(tmp_path / 'c', keep=2) as checkpoints:
    for step, score in scores.items():
      _save(checkpoints, begun, step, score)
    assert checkpoints.steps() == [2, 5, 6]
    assert checkpoints.best() == 2  # the earlier of equals


def test_later_ones_are_dropped_and_taken_once_more(begun, tmp_path):
  with Checkpoints(tmp_path / 'c', keep=9) as checkpoints:
    for step in (1, 2, 3):
      _save(checkpoints, begun, step, step / 10)
    checkpoints.drop(1)
    assert checkpoints.steps() == [1]
    assert checkpoints.best() == 1
    again = _save(checkpoints, begun, 2, 0.05)
    assert checkpoints.best() == 1
    assert _same(checkpoints.read(2, begun)[0], again)
    checkpoints.drop(2)
    assert checkpoints.steps() == [1, 2]


def test_what_is_offered_within_the_pause_waits_in_memory(begun, tmp_path):
  def offer(step, score):
    moved = begun.replace(params=jax.tree.map(lambda p: p + step, begun.params))
    return moved, checkpoints.offer(moved, Position(step, step, 0, score, 'f00'))

  with Checkpoints(tmp_path / 'c', keep=1, pause=3600) as checkpoints:
    (_, first), (second, _), (_, third) = offer(1, 0.6), offer(2, 0.9), offer(3, 0.7)
    assert (first, third, checkpoints.steps(), checkpoints.best()) == (False, False, [], 2)
    _save(checkpoints, begun, 4, 0.8)
    assert checkpoints.steps() == [2, 4]
    assert _same(checkpoints.read(2, begun)[0], second)
    offer(5, 0.91)
    assert checkpoints.best() == 5
    last = _save(checkpoints, begun, 6, 0.92)  # better than what is held
    assert checkpoints.steps() == [6]
    assert _same(checkpoints.read(6, begun)[0], last)
    assert offer(7, None)[1]  # nobody can tell whether it is the best
    assert checkpoints.steps() == [6, 7]
  with Checkpoints(tmp_path / 'c', keep=1, pause=0) as checkpoints:
    assert offer(8, 0.1)[1]
    assert checkpoints.steps() == [6, 8]


def test_what_is_held_is_written_early_when_asked_and_outdone_memory_serves_again(begun, tmp_path):
  def offer(step, score):
    moved = begun.replace(params=jax.tree.map(lambda p: p + step, begun.params))
    checkpoints.offer(moved, Position(step, step, 0, score, 'f00'))
    return moved

  with Checkpoints(tmp_path / 'c', keep=1, pause=3600) as checkpoints:
    checkpoints.hasten()  # nothing is held
    assert checkpoints.steps() == []
    offer(1, 0.6)
    best = offer(2, 0.9)  # into the memory of the first
    checkpoints.hasten()
    assert checkpoints.steps() == [2]
    offer(3, 0.7)  # held by nobody
    _save(checkpoints, begun, 4, 0.8)
    assert checkpoints.steps() == [2, 4]
    assert _same(checkpoints.read(2, begun)[0], best)
    better = [offer(5, 0.91), offer(6, 0.92)][1]
    checkpoints.hasten()
    last = _save(checkpoints, begun, 7, 0.1)  # while the one before may still be written
    assert _same(checkpoints.read(6, begun)[0], better)
    assert _same(checkpoints.read(7, begun)[0], last)


def test_without_any_score_the_newest_is_best(begun, tmp_path):
  with Checkpoints(tmp_path / 'c', keep=2) as checkpoints:
    for step in (1, 2, 3):
      _save(checkpoints, begun, step)
    assert checkpoints.best() == 3
    assert checkpoints.steps() == [2, 3]


@pytest.mark.parametrize('damage', ['score', 'lost', ''])
def test_a_damaged_position_is_named_and_chooses_no_other_checkpoint(begun, tmp_path, damage):
  with Checkpoints(tmp_path / 'c', keep=9) as checkpoints:
    for step, score in ((1, 0.9), (2, 0.5), (3, 0.7)):
      _save(checkpoints, begun, step, score)
  for path in (tmp_path / 'c' / '2' / 'position').glob('*'):
    content = path.read_bytes()
    if damage == 'score':  # would be the best
      path.write_bytes(content.replace(b'"score": 0.5', b'"score": 1.5'))
    elif damage == 'lost':
      path.unlink()
  with Checkpoints(tmp_path / 'c', keep=1) as checkpoints:
    if damage:
      assert checkpoints.best() == 2
      with pytest.raises(DamagedError, match=r'c/2: is damaged \(.*position.*\); restore it'):
        checkpoints.read(2, begun)
      shutil.rmtree(tmp_path / 'c' / '2')
  with Checkpoints(tmp_path / 'c', keep=1) as checkpoints:
    assert checkpoints.best() == 1
    assert checkpoints.read(1, begun)[1].score == 0.9
    _save(checkpoints, begun, 4, 0.1)
    assert checkpoints.steps() == [1, 4]


def _largest(folder: pathlib.Path) -> pathlib.Path:
  return max((p for p in folder.rglob('*') if p.is_file()), key=lambda p: p.stat().st_size)


def _truncate(folder):
  path = _largest(folder)
  path.write_bytes(path.read_bytes()[:-100])


def _flip(folder):
  path = _largest(folder)
  content = bytearray(path.read_bytes())
  content[len(content) // 2] ^= 1
  path.write_bytes(bytes(content))


def _lose(folder):
  shutil.rmtree(folder / 'state')


def _blank_position(folder):
  next((folder / 'position').glob('metadata*')).write_text('{}')


@pytest.mark.parametrize('damage', [_truncate, _flip, _lose, _blank_position])
def test_a_damaged_newest_falls_back_and_is_named(begun, tmp_path, damage, caplog):
  with Checkpoints(tmp_path / 'c', keep=2) as checkpoints:
    older = _save(checkpoints, begun, 1)
    _save(checkpoints, begun, 2)
  damage(tmp_path / 'c' / '2')
  with Checkpoints(tmp_path / 'c', keep=2) as checkpoints, caplog.at_level('WARNING', 'absl'):
    found, position = checkpoints.latest(begun)
    assert position.step == 1
    assert _same(found, older)
    assert str(tmp_path / 'c' / '2') in caplog.text
    assert checkpoints.steps() == [1]
    again = _save(checkpoints, begun, 2)  # the same step can be saved anew
    assert _same(checkpoints.latest(begun)[0], again)


@pytest.mark.parametrize('seed', range(5))
def test_every_flipped_byte_is_found(begun, tmp_path, seed):
  with Checkpoints(tmp_path / 'c', keep=1) as checkpoints:
    saved = _save(checkpoints, begun, 1)
  rng = np.random.default_rng(seed)
  files = sorted(p for p in (tmp_path / 'c' / '1').rglob('*') if p.is_file() and p.stat().st_size)
  path = files[rng.integers(len(files))]
  content = bytearray(path.read_bytes())
  content[rng.integers(len(content))] ^= 1 << rng.integers(8)
  path.write_bytes(bytes(content))
  with Checkpoints(tmp_path / 'c', keep=1) as checkpoints:
    found = checkpoints.latest(begun)
  # A byte that holds no content (a time stamp, a name) may be wrong; a wrong array may not pass.
  assert found is None or _same(found[0], saved)


def test_a_checkpoint_of_another_run_is_left_out(begun, tmp_path, caplog):
  with Checkpoints(tmp_path / 'c', 2, 'one run') as checkpoints:
    saved = _save(checkpoints, begun, 1)
  with Checkpoints(tmp_path / 'c', 2, 'one run') as checkpoints:
    assert _same(checkpoints.latest(begun)[0], saved)
  with Checkpoints(tmp_path / 'c', 2, 'another') as checkpoints, caplog.at_level('WARNING', 'absl'):
    assert checkpoints.latest(begun) is None
  assert 'c/1 is damaged and is left out: it is of another run' in caplog.text
  (tmp_path / 'c' / '1.damaged').rename(tmp_path / 'c' / '1')
  (tmp_path / 'c' / '1' / 'digests.json').unlink()  # as when killed before it was written
  with Checkpoints(tmp_path / 'c', 2, 'another') as checkpoints, caplog.at_level('WARNING', 'absl'):
    assert checkpoints.latest(begun) is None
  assert 'position is not what was saved, or is of another run' in caplog.text


@pytest.mark.parametrize('trains', [True, False])
def test_what_a_killed_save_left_is_removed_by_training_alone(begun, tmp_path, caplog, trains):
  with Checkpoints(tmp_path / 'c', 2) as checkpoints:
    _save(checkpoints, begun, 1)
  half = tmp_path / 'c' / '2.orbax-checkpoint-tmp'
  shutil.copytree(tmp_path / 'c' / '1', half)
  with Checkpoints(tmp_path / 'c', 2, trains=trains) as checkpoints:
    assert checkpoints.steps() == [1]
    if not trains:
      assert half.exists()  # another process may be writing it
      return
    with caplog.at_level('WARNING', 'absl'):
      saved = _save(checkpoints, begun, 2)
    assert _same(checkpoints.latest(begun)[0], saved)
  assert 'Attempted to create temporary directory' not in caplog.text
  assert not half.exists()


def test_another_model_is_an_error_that_names_the_folder(begun, make_experiment, tmp_path):
  with Checkpoints(tmp_path / 'c', keep=1) as checkpoints:
    _save(checkpoints, begun, 1)
  other = state.abstract(make_experiment(hidden=9))
  with (
    Checkpoints(tmp_path / 'c', keep=1) as checkpoints,
    pytest.raises(UserError, match=r'c/1: is of another model or optimiser \(at params.Dense_0'),
  ):
    checkpoints.latest(other)


_FILL = """
import sys, pathlib, numpy as np
from medjax.training.checkpoint import Checkpoints, Position
from medjax.errors import UserError
rng = np.random.default_rng(0)
tree = {'w': rng.standard_normal(500_000).astype(np.float32)}
try:
  with Checkpoints(pathlib.Path(sys.argv[1]), keep=3) as checkpoints:
    for step in range(1, 9):
      checkpoints.save(tree, Position(step, 0, step, None, 'f'))
      checkpoints.wait()
      print('saved', step, flush=True)
except UserError as error:
  print('error:', error)
  sys.exit(error.exit_code)
"""


def test_a_full_disk_is_one_error_and_the_older_checkpoint_survives(tmp_path):
  """On a real small file system of 7 MB, where a checkpoint takes 2 MB."""
  script = f'mount -t tmpfs -o size=7m tmpfs {tmp_path} && exec "$@"'
  command = ['unshare', '--mount', 'sh', '-c', script, 'sh']
  if (
    shutil.which('unshare') is None
    or subprocess.run([*command, 'true'], capture_output=True).returncode
  ):
    pytest.skip('no right to mount a small file system here')
  check = (
    'import sys, runpy, pathlib\n'
    'folder = sys.argv[1]\n'
    f'try:\n  exec(compile({_FILL!r}, "fill", "exec"))\n'
    'except SystemExit as stop:\n  code = stop.code\n'
    'target = {"w": np.zeros(500_000, np.float32)}\n'
    'with Checkpoints(pathlib.Path(folder), keep=9) as checkpoints:\n'
    '  found, position = checkpoints.latest(target)\n'
    '  print("whole", position.step, np.array_equal(found["w"], tree["w"]))\n'
    'sys.exit(code)\n'
  )
  environment = os.environ | {'PYTHONPATH': os.pathsep.join(sys.path)}
  done = subprocess.run(
    [*command, sys.executable, '-c', check, str(tmp_path / 'c')],
    capture_output=True,
    text=True,
    env=environment,
    timeout=300,
  )
  assert done.returncode == DiskFullError.exit_code == 74, done.stderr[-2000:]
  assert 'Traceback' not in done.stdout + done.stderr
  saved = [line for line in done.stdout.splitlines() if line.startswith('saved')]
  assert saved
  assert 'no space left for a checkpoint' in done.stdout
  last = saved[-1].split()[1]
  assert f'whole {last} True' in done.stdout
