"""metrics.jsonl: damaged lines are left out and counted, and the end of training is told."""

import pytest
import reseal

from medjax.training import history, log


@pytest.fixture
def workdir(tmp_path):
  """A run of two epochs of two steps, trained to the end."""
  workdir = reseal.run_folder(tmp_path)
  _train(workdir, 0, 4)
  return workdir


def _train(workdir, start, stop, ended=True):
  """What the loop writes; a checkpoint stands at each even step."""
  written = log.MetricsLog(workdir, start)
  for step in range(start + 1, stop + 1):
    written.write(step, (step - 1) // 2, 'train', {'loss': 1 / step, 'examples': 8})
    if step % 2 == 0:
      written.write(step, (step - 1) // 2, 'val', {'loss': 0.5, 'auroc': None})
      written.took(step)
  if ended:
    written.took(stop, ended=True)
  written.close()


def test_what_was_written_is_read(workdir):
  found = history.read(workdir)
  assert [line['loss'] for line in found.lines] == [1, 1 / 2, 0.5, 1 / 3, 1 / 4, 0.5]
  assert found.lines[2] == {'step': 2, 'epoch': 0, 'split': 'val', 'loss': 0.5, 'auroc': None}
  assert (found.damaged, found.ended, found.problem) == (0, True, '')


def test_every_flipped_bit_is_counted_or_changes_nothing(workdir):
  whole, expected = workdir.metrics.read_bytes(), history.read(workdir).lines
  for place in range(0, 8 * len(whole), 17):
    damaged = bytearray(whole)
    damaged[place // 8] ^= 1 << place % 8
    workdir.metrics.write_bytes(damaged)
    found = history.read(workdir)
    assert all(line in expected for line in found.lines)
    assert found.lines == expected or found.problem
    assert found.damaged in (0, 1, 2) or not found.ended


@pytest.mark.parametrize('cut', [1, 5, 90, 200])
def test_a_file_that_is_cut_off_is_not_taken_for_the_whole(workdir, cut):
  workdir.metrics.write_bytes(workdir.metrics.read_bytes()[:-cut])
  found = history.read(workdir)
  assert not found.ended
  assert 'without the end of training: it was stopped, or the file is cut off' in found.problem
  assert found.damaged == 0  # as a killed process leaves it


def test_lines_of_another_run_are_none_of_this(workdir, tmp_path):
  (tmp_path / 'other').mkdir()
  (tmp_path / 'other' / 'config.json').write_text('{"seed": 1}')
  other = reseal.run_folder(tmp_path / 'other')
  other.metrics.write_bytes(workdir.metrics.read_bytes())
  found = history.read(other)
  assert (found.lines, found.damaged) == ([], 9)
  assert found.problem.startswith('9 damaged or lost lines of metrics.jsonl are left out here.')


def test_a_resumed_run_drops_what_came_after_the_checkpoint(workdir):
  whole = history.read(workdir).lines
  _train(workdir, 2, 4)
  found = history.read(workdir)
  assert (found.lines, found.problem) == (whole, '')


def test_a_run_that_goes_on_after_damage_says_what_it_lost(workdir, capsys):
  lines = workdir.metrics.read_text().splitlines(keepends=True)
  workdir.metrics.write_text(''.join([lines[0].replace('8', '9'), *lines[1:]]))
  _train(workdir, 2, 4)
  assert '1 damaged or lost lines' in history.read(workdir).problem
  assert capsys.readouterr().err == 'metrics.jsonl: 1 damaged or lost lines are left out\n'
  workdir.metrics.unlink()
  _train(workdir, 2, 4)
  found = history.read(workdir)
  assert found.problem == '2 damaged or lost lines of metrics.jsonl are left out here.'
  assert [line['step'] for line in found.lines] == [3, 4, 4]


def test_seconds_are_those_of_all_commands_up_to_the_last_checkpoint(tmp_path, monkeypatch):
  workdir = reseal.run_folder(tmp_path)
  now = [100.0]
  monkeypatch.setattr(log.time, 'monotonic', lambda: now[0])

  def train(start, stop, ended):
    written = log.MetricsLog(workdir, start)
    for step in range(start + 1, stop + 1):
      now[0] += 10
      written.write(step, 0, 'train', {'loss': 1.0})
      if step % 2 == 0:
        written.took(step)
    if ended:
      written.took(stop, ended=True)
    written.close()

  train(0, 3, ended=False)  # killed 10 s after the checkpoint of step 2
  now[0] += 1000
  assert history.read(workdir).seconds == 20
  train(2, 5, ended=True)
  assert history.read(workdir).seconds == 50
  whole = workdir.metrics.read_bytes()
  written = log.MetricsLog(workdir, 5)
  now[0] += 1000  # a slow machine finds that there is nothing left to train
  written.took(5, ended=True)
  written.close()
  assert workdir.metrics.read_bytes() == whole
