"""Two revisions in turns: the right source each, in an order that favours neither."""

import re
import subprocess
import sys

import pytest

from medjax.bench import revisions
from medjax.bench.revisions import Turn

WORK = """
import json, pathlib, sys
folder = pathlib.Path(next(w for w in sys.argv if w.startswith('--workdir=')).split('=')[1])
assert not folder.exists()
folder.mkdir()
seconds = {{'train': {{'start-up': 1.0, 'steps': {steps}}}}}
(folder / 'environment.json').write_text(json.dumps({{'spent': seconds}}))
with open(sys.argv[1], 'a') as log:
  log.write('{name}')
"""


@pytest.fixture
def repository(tmp_path, monkeypatch):
  """Revisions v1 and v2 of a module that says which it is, and v3 of one that fails."""
  monkeypatch.chdir(tmp_path)

  def git(*words):
    subprocess.run(['git', '-c', 'user.name=a', '-c', 'user.email=a@b', *words], check=True)

  git('init', '-q')
  for name, text in (
    ('v1', WORK.format(name='1', steps=4.0)),
    ('v2', WORK.format(name='2', steps=2.0)),
    ('v3', 'raise SystemExit("no such data")'),
  ):
    (tmp_path / 'work.py').write_text(text)
    git('add', 'work.py')
    git('commit', '-qm', name)
    git('tag', name)
  return tmp_path


def test_each_revision_runs_its_own_source_and_both_begin_as_often(repository, tmp_path):
  log = tmp_path / 'log'
  turns = revisions.compare(('v1', 'v2'), ['work', str(log)], rounds=4, warm_up=1)
  assert log.read_text() == '21' + '12' + '21' + '12' + '21'
  assert [len(taken) for taken in turns.values()] == [4, 4]
  assert turns['v1'][0].spent == {'start-up': 1.0, 'steps': 4.0}
  trees = subprocess.run(['git', 'worktree', 'list'], capture_output=True, text=True, check=True)
  assert len(trees.stdout.splitlines()) == 1


def test_ratios_are_of_pairs():
  turns = {'a': [Turn(2.0, {'steps': 1.0}), Turn(8.0, {'steps': 3.0}), Turn(4.0, {})]}
  turns['b'] = [Turn(1.0, {}), Turn(6.0, {}), Turn(1.0, {})]
  assert list(revisions.lines(turns)) == [
    'a: 4.0 s (steps 1.0)',
    'b: 1.0 s',
    'b / a: 0.500 of the time (0.250 to 0.750 in 3 rounds)',
  ]


@pytest.mark.parametrize(
  ('words', 'message'),
  [
    (['v1', 'v9'], 'error: v9: .*; expected a revision of the repository here'),
    (['v1', 'v3'], 'error: v3: work x: no such data'),
  ],
)
def test_says_what_failed_in_one_line(repository, capfd, words, message):
  assert revisions.main([*words, '--rounds=1', '--', 'work', 'x']) == 2
  last = capfd.readouterr().err.strip().splitlines()[-1]
  assert re.fullmatch(message, last)


@pytest.mark.parametrize('words', [['v1', 'v1'], ['v1', 'v2', '--rounds=0']])
def test_refuses_what_compares_nothing(words):
  with pytest.raises(SystemExit, match='2'):
    revisions.main([*words, '--', 'work'])


def test_is_a_command():
  made = [sys.executable, '-m', 'medjax.bench.revisions', '--help']
  assert '--warm-up' in subprocess.run(made, capture_output=True, text=True, check=True).stdout
