"""A run on every worker of a TPU pod slice."""

import shlex

import pytest

from launch import tpu
from medjax.errors import UserError

EXPERIMENT = ['--', 'experiments.lung_cnn', '--workdir=/mnt/a']
SLICE = ['--slice=one', '--zone=us-central2-b']


def test_arguments_pass_through_two_shells(capsys):
  odd = ["it's", '"quoted" $HOME', 'two words', '']
  assert (
    tpu.main([*SLICE, '--project=p', '--checkout=my code', '--dry-run', *EXPERIMENT, *odd]) == 0
  )
  words = shlex.split(capsys.readouterr().out)
  assert words[:6] == ['gcloud', 'compute', 'tpus', 'tpu-vm', 'ssh', 'one']
  assert {'--zone=us-central2-b', '--worker=all', '--project=p'} <= set(words)
  remote = next(word for word in words if word.startswith('--command=')).partition('=')[2]
  assert shlex.split(remote) == [
    'cd', 'my code', '&&', '.venv/bin/python', '-m', 'experiments.lung_cnn', '--workdir=/mnt/a',
    *odd, '--coordinator=auto',
  ]  # fmt: skip


def test_the_code_is_that_of_gcloud(monkeypatch, tmp_path):
  (tmp_path / 'gcloud').write_text('#!/bin/sh\nexit 75')
  (tmp_path / 'gcloud').chmod(0o755)
  monkeypatch.setenv('PATH', f'{tmp_path}:/bin')
  assert tpu.main([*SLICE, *EXPERIMENT]) == 75


def test_a_machine_without_gcloud_says_so(monkeypatch, tmp_path):
  monkeypatch.setenv('PATH', str(tmp_path))
  with pytest.raises(UserError, match='gcloud: not found'):
    tpu.main([*SLICE, *EXPERIMENT])


@pytest.mark.parametrize(
  ('arguments', 'line'),
  [
    (['--slice=one', *EXPERIMENT], '--zone'),
    ([*SLICE, '--', 'experiments.lung_cnn'], '--workdir=FOLDER: is missing'),
  ],
)
def test_mistakes_are_named(arguments, line):
  with pytest.raises(UserError, match=line):
    tpu.main(arguments)
