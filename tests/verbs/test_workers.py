"""Processes side by side: one that dies takes its own run alone, and no error is lost."""

import pytest

from medjax.errors import UserError
from medjax.verbs import workers


class Dying:
  """Stands for a process that is killed at its first task and works at its next."""

  started = 0

  def __init__(self):
    Dying.started += 1
    self.first = Dying.started == 1
    self.exitcode = -9

  def send(self, task):
    self.task = task

  def recv(self):
    if self.first:
      raise EOFError
    return f'did {self.task}'

  def close(self):
    pass

  def join(self, seconds=None):
    pass

  def is_alive(self):
    return False


def test_an_error_while_telling_is_not_lost(monkeypatch):
  Dying.started = 5  # works
  made = lambda self, cores: (one := Dying(), one)  # noqa: E731
  monkeypatch.setattr(workers.Workers, '_start', made)

  def told(number, answer):
    raise BrokenPipeError

  with workers.Workers(1, 'name', None, None) as processes, pytest.raises(BrokenPipeError):
    processes.run(['a', 'b'], told)


def test_a_process_that_dies_while_it_is_timed_is_said(monkeypatch):
  Dying.started = 0
  made = lambda self, cores: (one := Dying(), one)  # noqa: E731
  monkeypatch.setattr(workers.Workers, '_start', made)
  with (
    workers.Workers(1, 'name', None, None) as processes,
    pytest.raises(UserError, match='a process died'),
  ):
    processes.times(['a'])


def test_a_process_that_is_killed_takes_its_own_run_alone(monkeypatch):
  Dying.started = 0
  made = lambda self, cores: (one := Dying(), one)  # noqa: E731
  monkeypatch.setattr(workers.Workers, '_start', made)
  told = {}
  with workers.Workers(1, 'name', None, None) as processes:
    failures = processes.run(['a', 'b'], told.__setitem__)
  assert told[1] == 'did b'
  assert failures == {
    0: workers.Failure('its process was killed by signal 9 (out of memory?)', workers._BUG)
  }
