"""The baseline: simple models on the splits of a run, and how its network compares with them.

A simple model is fitted to the training split alone, or where that is large to cases drawn from it;
thresholds and the like are chosen on validation in the same way as for the network, and
probabilities stay as scikit-learn gives them. Nothing is tuned and every draw has the same seed, so
that its predictions depend on the data and on nothing else of the run.
"""

import contextlib
import dataclasses
import functools
import importlib
import json
import threading
import time
import warnings
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
class Fit:
  """A simple model that is fitted.

  Attributes:
    fitted: as the outcome gave it.
    tables: what it predicts of val and test.
    converged: whether it was fitted to the end.
  """

  fitted: Any
  tables: dict[str, Any]
  converged: bool


class Fits:
  """The simple models of a data set, each fitted once for all runs on it.

  Args:
    experiment: of any of the runs.

  Example:
    >>> fits = Fits(experiment)                                    # doctest: +SKIP
    >>> for run in runs: write(run.experiment, run.workdir, step, tables, run.config, fits)
  """

  def __init__(self, experiment: Experiment):
    self._experiment = experiment
    self._done: dict[str, Fit] = {}

  def of(self, model: SimpleModel) -> Fit:
    """The model, fitted to training cases."""
    if model.learner not in self._done:
      with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter('always')
        self._done[model.learner] = self._fit(model)
      if any('ConvergenceWarning' in one.category.__name__ for one in warned):
        self._done[model.learner] = dataclasses.replace(self._done[model.learner], converged=False)
    return self._done[model.learner]

  @functools.cached_property
  def drawn(self) -> np.ndarray:
    """Numbers of the training cases that are fitted to."""
    modality, train = self._experiment.data.modality, self._experiment.data.splits['train']
    one = modality.simple_features(train.read([0]))
    most = min(modality.simple_cases, max(1, _CELLS // one.size))
    if len(train) <= most:
      return np.arange(len(train))
    return np.sort(np.random.default_rng(0).choice(len(train), most, replace=False))

  @functools.cached_property
  def _features(self) -> dict[str, np.ndarray]:
    """What simple models see of each split, [N, ...]."""
    every = self._experiment.data.splits
    numbers: dict[str, np.ndarray] = {
      name: np.arange(len(every[name])) for name in ('val', 'test') if name in every
    }
    numbers['train'] = self.drawn
    return {name: _read(self._experiment, every[name], of) for name, of in numbers.items()}

  def _fit(self, model: SimpleModel) -> Fit:
    data, features = self._experiment.data, self._features
    label = jax.tree.map(lambda leaf: leaf[self.drawn], data.splits['train'].label)
    outcome = self._experiment.task.outcome
    fitted = outcome.fit_simple(model, features['train'], label, data.classes)
    tables = {
      name: predict.table(self._experiment, data.splits[name], fitted.predict(of))
      for name, of in features.items()
      if name != 'train'
    }
    return Fit(fitted, tables, True)


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
  experiment: Experiment,
  workdir: Workdir,
  step: int,
  tables: dict[str, Any],
  config: Config,
  fits: Fits | None = None,
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
    fits: of the data set, where other runs on it share them.
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
  if experiment.privacy is not None:
    models, about['problem'] = [], 'a simple model would be fitted to private cases without noise'
  if models:
    try:
      import sklearn.pipeline  # noqa: F401 threads of libraries that are loaded later have no limit
      import threadpoolctl

      # Threads of such small computations wait for each other: beside other work one is many times
      # faster, and its sums have one order.
      with threadpoolctl.threadpool_limits(1):
        fits = fits or Fits(experiment)
        about['cases'] = len(fits.drawn)
        judge = _Judge(experiment, workdir, fits, step, tables, config)
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
  """Compares a run's network with simple models."""

  experiment: Experiment
  workdir: Workdir
  fits: Fits
  step: int
  tables: dict[str, Any]
  config: Config

  def judged(self, model: SimpleModel, split: str) -> dict[str, Any]:
    """What baseline.json says of a model, with the figures of a split."""
    about = {'learner': model.learner, 'name': model.plain_name, 'problem': ''}
    try:
      with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return about | self._figures(model, split)
    except Exception as error:  # such as of a model that the data do not allow
      return about | {'problem': _line(error)}

  def _figures(self, model: SimpleModel, split: str) -> dict[str, Any]:
    outcome, fit = self.experiment.task.outcome, self.fits.of(model)
    decision = outcome.decide_simple(fit.tables['val'], self.step, self.config)
    table, metrics = outcome.evaluate(fit.tables[split], decision)
    table.write_csv(self.workdir.baseline_predictions(model.learner, split))
    of_network = evaluate.read_decision(outcome.read_decision, self.workdir, self.step)
    try:
      compared = outcome.compare((self.tables[split], table), (of_network, decision))
    except UserError:  # an outcome need not have a comparison
      compared = {}
    return {
      'name': fit.fitted.name,
      'features': model.features,
      'settings': fit.fitted.settings
      + ('' if fit.converged else ', stopped before it had converged'),
      'metrics': {name: metric.to_json() for name, metric in metrics.items()},
      'differences': {name: one.to_json() for name, one in compared.items()},
    }
