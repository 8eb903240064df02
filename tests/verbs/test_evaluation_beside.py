"""Runs are evaluated by two processes; one that is lost keeps no run from its figures."""

import csv
import dataclasses
import json
import multiprocessing
import threading
import types

import pytest
from small_crossval import SMALL

from experiments import tabular_mlp
from medjax.verbs import beside
from medjax.verbs.workers import Task
from medjax.workdir import Workdir


def evaluation(other=None):
  """One whose other process is a thread that does what it is given, until ``other`` says None."""
  made = beside.Evaluation([], page=False)
  if other is None:
    return made
  made._connection, there = multiprocessing.Pipe()
  made._process = threading.Thread(target=serve, args=(there, other))
  made._process.terminate = lambda: None
  made._process.start()
  while not made._connection.poll(0.1):  # it has loaded
    pass
  return made


def serve(there, other):
  there.send((None, ''))
  with there:
    try:
      while (answer := other(*there.recv())) is not None:
        there.send(answer)
    except EOFError:
      return


def done(made, count=12):
  with made:
    return list(made.of(dict.fromkeys(range(count), 'train')))


def test_alone_all_are_done_here_in_their_order():
  assert done(evaluation()) == [(number, None) for number in range(12)]


def test_both_do_each_run_once():
  asked = []

  def other(number, verb):
    asked.append(number)
    return number, f'{verb} {number}'

  found = done(evaluation(other))
  assert sorted(number for number, _ in found) == list(range(12))
  assert asked[:2] == [11, 10]
  assert {number for number, answer in found if answer is not None} == set(asked)
  assert all(answer in (None, f'train {number}') for number, answer in found)


def test_what_fails_there_is_done_here():
  asked = []

  def fails(number, verb):
    asked.append(number)
    return number, None

  found = done(evaluation(fails))
  assert asked
  assert sorted(number for number, _ in found) == list(range(12))
  assert {answer for _, answer in found} == {None}


def test_the_runs_of_a_lost_process_are_done_here():
  lost = lambda number, verb: None if number == 10 else (number, 'theirs')  # noqa: E731
  found = done(evaluation(lost))
  assert sorted(number for number, _ in found) == list(range(12))
  assert dict(found)[10] is None
  assert (11, 'theirs') in found


def changed(config, folder, page):
  """A task on other data than those of the run."""
  data = dataclasses.replace(config.data, simulated_rows=301)
  return Task(dataclasses.replace(config, data=data), folder, page)


def figures(folder):
  """What runs found, by file and case."""
  with open(folder / 'out_of_fold.csv', newline='') as file:
    cases = {(row['member'], row['id']): float(row['probability']) for row in csv.DictReader(file)}
  runs = sorted(folder.glob('repeat-*'))
  return cases, [json.loads((run / 'evaluation.json').read_text())['test'] for run in runs]


@pytest.mark.slow
@pytest.mark.parametrize('trouble', ['', 'killed', 'other data'])
def test_figures_are_those_of_one_process(trouble, run_experiment, tmp_path, monkeypatch):
  words = ('crossval', '--how=together', '--seeds=3', *SMALL)
  code, _, err = run_experiment(tabular_mlp, *words, '--workdir=one')
  assert code == 0, err
  monkeypatch.setattr(beside, '_WORTH', 2)
  found = []
  of = beside.Evaluation.of

  def told(self, verbs):
    assert self._connection.poll(120)
    if trouble == 'killed':
      self._process.kill()
    found.extend(of(self, verbs))
    return found

  monkeypatch.setattr(beside.Evaluation, 'of', told)
  if trouble == 'other data':  # than this process has read
    monkeypatch.setattr(beside, 'Task', changed)
  code, out, err = run_experiment(tabular_mlp, *words, '--workdir=two')
  assert code == 0, err
  assert out.count(': test AUROC: ') == 6
  assert sorted(number for number, _ in found) == list(range(6))
  assert any(answer is not None for _, answer in found) != bool(trouble)
  assert figures(tmp_path / 'one') == figures(tmp_path / 'two')


def test_a_build_that_cannot_be_sent_needs_no_other_process(monkeypatch):
  monkeypatch.setattr(beside, '_worth', lambda runs: True)
  run = types.SimpleNamespace(
    config=tabular_mlp.Config(), workdir=Workdir('run'), name='made', build=lambda config: None
  )
  assert done(beside.Evaluation([run], page=False)) == [(number, None) for number in range(12)]
