"""The baseline: simple models on the splits of a run, and how its network compares with them.

A simple model is fitted to the training split alone, or where that is large to cases drawn from it;
thresholds and the like are chosen on validation in the same way as for the network, and
probabilities stay as scikit-learn gives them. Nothing is tuned and every draw has the same seed, so
that its predictions depend on the data and on nothing else of the run.
"""

import contextlib
import dataclasses
import importlib
import json
import threading
import time
import warnings
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from medjax.config import Config
from medjax.data import examples
from medjax.data.dataset import Split
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.outcomes import SimpleModel
from medjax.training import evaluate, predict
from medjax.workdir import Workdir

# Values in memory: of the features of the training cases, and of the inputs of a block of cases.
_CELLS = 20_000_000
_BLOCK_CELLS = 4_000_000
_BLOCK = 64
# Where scikit-learn has its learners.
_LIBRARIES = {
  'linear': 'sklearn.linear_model',
  'neighbours': 'sklearn.neighbors',
  'boosting': 'sklearn.ensemble',
  'forest': 'sklearn.ensemble',
}


@dataclasses.dataclass(frozen=True)
class _Features:
  """What simple models see.

  Attributes:
    train: of the training cases that are fitted to, [N, ...].
    label: theirs, leaves [N, ...].
    by_split: of val and test.
  """

  train: np.ndarray
  label: Any
  by_split: dict[str, np.ndarray]


def load_ahead(experiment: Experiment) -> threading.Thread:
  """Loads what ``write`` needs while training begins, and gives the thread that does.

  Loading scikit-learn takes one to two seconds, which a short run would wait for at its end.
  """
  names = {_LIBRARIES[model.learner] for model in experiment.data.modality.simple_models}

  def load() -> None:
    with contextlib.suppress(ImportError):  # ``write`` says why
      for name in sorted(names):
        importlib.import_module(name)

  thread = threading.Thread(target=load)
  thread.start()
  return thread


def write(
  experiment: Experiment, workdir: Workdir, step: int, tables: dict[str, Any], config: Config
) -> None:
  """Writes baseline.json and tables of predictions, unless they are there already.

  The figures are those of test, or of validation where there is no test split. A simple model that
  fails is named with the reason and does not stop the run.

  Args:
    experiment: data and outcome of the run.
    workdir: the folder of a run that is evaluated.
    step: of the checkpoint that is evaluated.
    tables: the outcome's table of each split, as ``evaluate`` gave them.
    config: settings of the run, by which decisions are made.
  """
  outcome, modality = experiment.task.outcome, experiment.data.modality
  decided = json.dumps(workdir.read(workdir.decision), sort_keys=True)
  made_of = examples.digest(experiment.data.fingerprint, str(step), decided)
  if _made_of(workdir) == made_of:
    return
  start = time.perf_counter()
  models = [model for model in modality.simple_models if model.learner in outcome.learners]
  about: dict[str, Any] = {
    'made_of': made_of,
    'checkpoint_step': step,
    'split': 'test' if 'test' in tables else 'val',
    'training_cases': experiment.data.examples('train'),
    'models': [],
    'problem': '' if models else f'there is no simple model of {modality.cases} for these labels',
  }
  if models:
    try:
      import sklearn.pipeline  # noqa: F401 threads of libraries that are loaded later have no limit
      import threadpoolctl

      # Threads of such small computations wait for each other: beside other work one is many times
      # faster, and its sums have one order.
      with threadpoolctl.threadpool_limits(1):
        features = _features(experiment, list(tables))
        about['cases'] = len(features.train)
        judge = _Judge(experiment, workdir, features, step, tables, config)
        about['models'] = [judge.judged(model, about['split']) for model in models]
    except Exception as error:  # whatever it is, the report of the network is worth more
      about['problem'] = _line(error)
  about['seconds'] = round(time.perf_counter() - start, 2)
  workdir.write(workdir.baseline, about)


def _made_of(workdir: Workdir) -> str:
  """What the baseline that is there was made of; '' where there is none, or a damaged one."""
  try:
    return str(workdir.read(workdir.baseline).get('made_of', ''))
  except UserError:
    return ''


def _line(error: Exception) -> str:
  return (str(error).splitlines() or [''])[0] or type(error).__name__


def _features(experiment: Experiment, splits: Sequence[str]) -> _Features:
  modality, every = experiment.data.modality, experiment.data.splits
  train = every['train']
  one = modality.simple_features(train.read([0]))
  most = min(modality.simple_cases, max(1, _CELLS // one.size))
  drawn = np.arange(len(train))
  if len(train) > most:
    drawn = np.sort(np.random.default_rng(0).choice(len(train), most, replace=False))
  return _Features(
    _read(experiment, train, drawn),
    jax.tree.map(lambda label: label[drawn], train.label),
    {name: _read(experiment, every[name], np.arange(len(every[name]))) for name in splits},
  )


def _read(experiment: Experiment, split: Split, numbers: np.ndarray) -> np.ndarray:
  specs = jax.tree.leaves(experiment.data.example)
  cells = sum(int(np.prod(spec.shape)) for spec in specs)
  block = max(1, min(_BLOCK, _BLOCK_CELLS // max(cells, 1)))
  return np.concatenate(
    [
      experiment.data.modality.simple_features(split.read(numbers[first : first + block]))
      for first in range(0, len(numbers), block)
    ]
  )


@dataclasses.dataclass(frozen=True)
class _Judge:
  """Fits simple models and compares a run's network with them."""

  experiment: Experiment
  workdir: Workdir
  features: _Features
  step: int
  tables: dict[str, Any]
  config: Config

  def judged(self, model: SimpleModel, split: str) -> dict[str, Any]:
    """What baseline.json says of a model, with the figures of a split."""
    about = {'learner': model.learner, 'name': model.plain_name, 'problem': ''}
    try:
      with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter('always')
        about |= self._figures(model, split)
    except Exception as error:  # such as of a model that the data do not allow
      return about | {'problem': _line(error)}
    if any('ConvergenceWarning' in one.category.__name__ for one in warned):
      about['settings'] += ', stopped before it had converged'
    return about

  def _figures(self, model: SimpleModel, split: str) -> dict[str, Any]:
    outcome, data = self.experiment.task.outcome, self.experiment.data
    fitted = outcome.fit_simple(model, self.features.train, self.features.label, data.classes)
    raw = {
      name: predict.table(self.experiment, data.splits[name], fitted.predict(features))
      for name, features in self.features.by_split.items()
    }
    decision = outcome.decide_simple(raw['val'], self.step, self.config)
    table, metrics = outcome.evaluate(raw[split], decision)
    table.write_csv(self.workdir.baseline_predictions(model.learner, split))
    of_network = evaluate.read_decision(outcome.read_decision, self.workdir, self.step)
    try:
      compared = outcome.compare((self.tables[split], table), (of_network, decision))
    except UserError:  # an outcome need not have a comparison
      compared = {}
    return {
      'name': fitted.name,
      'features': model.features,
      'settings': fitted.settings,
      'metrics': {name: metric.to_json() for name, metric in metrics.items()},
      'differences': {name: one.to_json() for name, one in compared.items()},
    }
