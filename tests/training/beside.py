"""Simple models beside a network, and what is built by hand to compare with them."""

import dataclasses

import numpy as np
import optax
from sklearn.linear_model import LogisticRegression

from medjax import models
from medjax.config import Config
from medjax.data.dataset import Selected
from medjax.experiment import Experiment
from medjax.training import baseline, predict
from medjax.workdir import Workdir


def beside(experiment, folder, statistics=None):
  """baseline.json of an experiment whose network predicts at random, or what is given.

  Args:
    statistics: of a split, what the network predicts; by default probabilities or numbers.
  """
  workdir, outcome = Workdir(folder), experiment.task.outcome
  workdir.write(workdir.config, {})
  workdir.claim_data(experiment.data.summary())
  random = np.random.default_rng(0)

  def at_random(split):
    shape = (len(split),) if experiment.task.outputs == 1 else (len(split), experiment.task.outputs)
    drawn = random.uniform(0.1, 0.9, shape)
    several = drawn.ndim == 1 or experiment.task.outcome.template.stem == 'labels'
    return drawn if several else drawn / drawn.sum(axis=-1, keepdims=True)

  raw = {
    name: predict.table(experiment, split, (statistics or at_random)(split))
    for name, split in experiment.data.splits.items()
    if name != 'train'
  }
  decision = outcome.decide(raw['val'], 7, Config())
  tables = {name: outcome.evaluate(table, decision)[0] for name, table in raw.items()}
  workdir.write(workdir.decision, decision.to_json())
  baseline.write(experiment, workdir, 7, tables, Config())
  return workdir.read(workdir.baseline), tables, decision


def experiment_of(data, task):
  return Experiment(data, models.MLP((), outputs=task.outputs), task, optax.adam(1e-3))


def arrays(data, name, split):
  of = data.splits[split]
  batch = of.read(np.arange(len(of)))
  return batch[name], batch['label']


def linear():
  return LogisticRegression(max_iter=1000, tol=1e-6)


def relabelled(data, name, label):
  splits = data.splits | {name: dataclasses.replace(data.splits[name], label=label)}
  return dataclasses.replace(data, splits=splits)


def taken(data, name, numbers):
  """The data set with some examples of a split."""
  split = data.splits[name]
  some = dataclasses.replace(
    split,
    source=Selected(split.source, numbers),
    id=split.id[numbers],
    label=split.label[numbers],
    group=split.group[numbers],
    metadata={key: [column[i] for i in numbers] for key, column in split.metadata.items()},
  )
  return dataclasses.replace(data, splits=data.splits | {name: some})
