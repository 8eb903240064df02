"""What all launchers share."""

import pathlib

import pytest

from launch import command
from medjax.errors import UserError


@pytest.mark.parametrize(
  ('arguments', 'folder'),
  [
    (['--workdir=runs/a b'], 'runs/a b'),
    (['crossval', '--workdir', 'runs/a'], 'runs/a'),
    (['-workdir=runs/a=b'], 'runs/a=b'),
  ],
)
def test_the_run_folder_is_that_of_the_arguments(arguments, folder):
  assert command.Experiment('x', tuple(arguments)).workdir() == pathlib.Path(folder)


@pytest.mark.parametrize('arguments', [[], ['--workdir='], ['--workdir'], ['--name=--workdir=a']])
def test_a_run_folder_must_be_named(arguments):
  with pytest.raises(UserError, match='--workdir=FOLDER: is missing'):
    command.Experiment('x', tuple(arguments)).workdir()


def test_help_asks_for_no_experiment():
  own, _ = command.split(['--help'])
  assert own == ['--help']


def test_help_after_the_dashes_is_the_experiments():
  own, experiment = command.split(['--processes=2', '--', 'experiments.lung_cnn', '--help'])
  assert own == ['--processes=2']
  assert experiment.arguments == ('--help',)
