"""What tests of a server share."""

import contextlib
import csv

import pytest

import medjax
from medjax import arguments
from medjax.verbs import VERBS
from medjax.verbs import serve as serve_verb
from medjax.verbs.run import Run
from medjax.workdir import Workdir


def call(experiment, *given, code=0):
  with pytest.raises(SystemExit) as done:
    medjax.main(experiment.Config(), experiment.build, given)
  assert done.value.code == code


def make_served(experiment, folder, *given):
  """What ``serve`` makes of a run folder."""
  values = arguments.define(experiment.Config(), VERBS)
  arguments.parse(values, ['serve', *given])
  workdir = Workdir(folder)
  config = workdir.stored(experiment.Config())
  name = experiment.__name__.rsplit('.', 1)[-1]
  return serve_verb._served(Run(name, config, experiment.build, workdir, values))


def rows_of(path):
  with contextlib.closing(open(path, newline='', encoding='utf-8')) as file:
    return list(csv.DictReader(file))
