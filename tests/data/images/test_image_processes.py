"""Work on images in threads and in processes: the same results in the same order."""

import multiprocessing
import os
import signal
import threading
import time

import made_dicom
import numpy as np
import pytest

from medjax.data.images import Config, processes
from medjax.data.images import folder as folders
from medjax.data.images.made import Made
from medjax.errors import UserError


def _work(number):
  if number == 3:
    return None  # which Grain leaves out
  if number == 5:
    return UserError('five')
  return [number, np.full(3, number)]


def _fails(number):
  if number == 7:
    raise UserError('seven is torn')
  return number


def _dies(number):
  if number == 45 and multiprocessing.parent_process():
    os.kill(os.getpid(), signal.SIGKILL)
  return number, bytes(400_000)  # more than a pipe holds


@pytest.mark.parametrize('count', [0, 1, 2])
def test_results_come_in_order_whatever_they_are(count):
  numbers = range(70)
  found = (
    processes.in_processes(_work, numbers, count)
    if count
    else processes.each(_work, numbers, apart=False)
  )
  for number, result in zip(numbers, found, strict=True):
    if number == 3:
      assert result is None
    elif number == 5:
      assert isinstance(result, UserError)
      assert str(result) == 'five'
    else:
      assert result[0] == number
      np.testing.assert_array_equal(result[1], 3 * [number])


@pytest.fixture
def apart(monkeypatch):
  """Processes are started after four items; what was given to them."""
  began = []
  in_processes = processes.in_processes
  monkeypatch.setattr(processes, '_AT_ONCE', 2)
  monkeypatch.setattr(processes.Pace, 'saved', lambda *_: float('inf'))
  monkeypatch.setattr(processes.machine, 'cores', lambda: 2)
  monkeypatch.setattr(processes.machine, 'free_memory', lambda: 2**40)
  monkeypatch.setattr(processes.runtime, 'may_start_processes', lambda: True)
  monkeypatch.setattr(
    processes, 'in_processes', lambda *given: began.append(given) or in_processes(*given)
  )
  return began


def test_an_error_comes_through(apart):
  with pytest.raises(UserError, match=r'^seven is torn'):
    list(processes.each(_fails, range(9), apart=False))
  assert not apart
  with pytest.raises(UserError, match=r'^seven is torn'):
    list(processes.each(_fails, range(9), apart=True))
  assert len(apart) == 1


def test_where_a_process_is_killed_threads_go_on(apart, capsys):
  results = []
  for number, _ in processes.each(_dies, range(70), apart=True):
    results.append(number)
    if number == 10:
      time.sleep(2)  # one that is slow, so that results wait in the pipe
  assert results == list(range(70))
  assert len(apart) == 1
  assert capsys.readouterr().err.startswith('data: images are read without further processes: ')


def test_work_that_cannot_be_sent_is_done_here(apart, capsys):
  lock = threading.Lock()

  def work(number):
    with lock:
      return number

  assert list(processes.each(work, range(70), apart=True)) == list(range(70))
  assert len(apart) == 1
  assert 'without further processes' in capsys.readouterr().err


def test_a_script_and_a_process_of_another_start_none():
  context = multiprocessing.get_context('spawn')
  answers = context.Queue()
  for begun, daemon in ((False, False), (True, True), (True, False)):
    child = context.Process(target=_asked, args=(answers, begun), daemon=daemon)
    child.start()
    assert answers.get(timeout=60) is (begun and not daemon)
    child.join()


def _asked(answers, begun):
  if begun:
    processes.runtime.configure()
  answers.put(processes.runtime.may_start_processes())


def test_what_processes_would_save(monkeypatch):
  clock = iter([(10.0, 4.0), (14.0, 8.0), (14.0, 7.9), (14.0, 6.0)])
  monkeypatch.setattr(processes, '_now', lambda: next(clock))
  pace = processes.Pace()
  assert pace.saved(1000, 2) == 0  # nothing is known
  pace.step(32)  # from here on
  assert pace.saved(1000, 2) == 0
  pace.step(8)
  # Eight took 4 s, in which one core was busy: four processes need 1 s for what took 4.
  assert pace.saved(80, 4) == pytest.approx(80 / 8 * 3)
  assert pace.saved(80, 2) == pytest.approx(80 / 8 * (4 - 3.9 / 2))
  assert pace.saved(80, 2) == 0  # half a core: a disk is waited for


def test_rows_of_a_folder_are_the_same_from_processes(tmp_path, apart):
  made = np.random.default_rng(0)
  for number in range(10):
    path = tmp_path / ('well', 'ill')[number % 2] / f'{number}.dcm'
    made_dicom.write(path, made.integers(0, 4000, (20, 30), np.uint16), PatientID=f'p{number}')
  (tmp_path / 'ill' / '1.dcm').write_bytes(b'torn')
  source = folders.load(tmp_path, Config())
  assert source.apart
  whole = Made(source, 16, 1, 0.2)
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(processes.machine, 'cores', lambda: 1)
    expected = list(whole)
  assert not apart
  parts = Made(source, 16, 1, 0.2)
  assert list(parts) == expected
  assert len(apart) == 1
  assert len(expected) == 9
  assert parts.broken == whole.broken
  assert list(parts.broken) == ['ill/1.dcm']
