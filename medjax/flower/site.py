"""What a site does when the server asks: of its cases it tells counts, statistics and metrics."""

import contextlib
import pathlib
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from medjax import arguments, runtime
from medjax import config as config_lib
from medjax.config import Config
from medjax.data import agreement
from medjax.data.dataset import AGREED
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.federated import local, sites
from medjax.federated.local import Local, Update
from medjax.federated.settings import Settings
from medjax.flower import plan as plan_lib
from medjax.flower import wire
from medjax.flower.budgets import Budgets
from medjax.training import budget, parallel, predict, state, weights
from medjax.training.checkpoint import Checkpoints
from medjax.training.log import MetricsLog
from medjax.training.position import Position
from medjax.training.state import State
from medjax.verbs import VERBS
from medjax.verbs import train as train_verb
from medjax.verbs.private import Private
from medjax.verbs.run import Run
from medjax.workdir import PRIVACY, Workdir

Arrays = Mapping[str, np.ndarray]
_ID = re.compile(r'[a-z0-9_]{1,64}-[0-9a-f]{16}')
_HERE = 'here'  # what a site calls itself
_PRIVATE = 'private'  # of details
_MEMORY = 'memory'  # in the run folder: what the optimiser remembers between rounds


class Site:
  """A site of one federation.

  Args:
    config: the experiment's settings with their defaults.
    build: makes the experiment of settings.
    given: the run's configuration, by dotted names.
    node: the site's own, which says ``source``, ``workdir`` and what else ``plan.of_site`` takes.
    about: of the message: the federation's name, and what sites have agreed on.
    held: is left when the message is answered.

  Raises:
    UserError: a setting is wrong, or an encrypted set cannot be read.
  """

  def __init__(
    self,
    config: Config,
    build: Callable[[Any], Experiment],
    given: Mapping[str, Any],
    node: Mapping[str, Any],
    about: Mapping[str, Any],
    held: contextlib.ExitStack,
  ):
    name = str(about['federation'])
    if not _ID.fullmatch(name):  # it becomes the name of a folder here
      raise UserError(f'{name!r}: is no name of a federation')
    plan = plan_lib.Plan.of(config, given)
    own = plan_lib.of_site(plan.config, node)
    if own.privacy.epsilon:
      # Whoever asks again would be told statistics with other noise.
      own = config_lib.changed(own, {'privacy.statistics_share': 0.0})
    runtime.configure(xla_tuning=own.xla_tuning)
    values = arguments.define(config, VERBS)
    key = node.get('data_key', '')
    arguments.parse(values, [f'--data_key={key}'] if key else [])
    private = Private(held, values)
    workdir = private.begun(Workdir(pathlib.Path(node['workdir']).expanduser() / name))
    workdir, _ = private.opened(workdir, own, 'federate', [])
    self._settings: Settings = plan.settings
    self._planned = local.planned(own, plan.settings)
    self._budgets = Budgets(pathlib.Path(node['workdir']).expanduser(), name, node)
    self._run = Run(build.__module__.rsplit('.', 1)[-1], own, build, workdir, values)
    self._about = about
    held.enter_context(workdir.one_by_one())  # a message that came late may still be at work

  def ask(self, arrays: Arrays) -> tuple[dict[str, Any], Any]:
    """What the site has: counts, classes, and statistics to agree on."""
    experiment = self._built()
    data = experiment.data
    modality = type(data.modality)
    return {
      'classes': list(data.classes),
      'splits': data.summary()['splits'],
      'modality': f'{modality.__module__}.{modality.__qualname__}',
      'told': data.modality.told(data.details),
      'shapes': sites.shapes(data),
      'monitor': experiment.task.outcome.monitor,
    }, None

  def begin(self, arrays: Arrays) -> tuple[dict[str, Any], Any]:
    """The parameters that the seed gives, and of the site that leads what all agreed on."""
    experiment = self._experiment()
    local.refuse_beside(experiment)
    created = parallel.create(experiment, self._run.config.seed, self._run.devices)
    begun = weights.begin(
      experiment, created, self._run.workdir, write=False, seed=self._run.config.seed
    )
    sent = jax.device_get({'params': begun.params, 'model_state': begun.model_state})
    about: dict[str, Any] = {'digest': wire.digest(sent)}
    if not self._about['leads']:
      return about, None
    summary = experiment.data.summary()
    told = ('simulated', 'classes', 'example', 'details')
    return about | {'data': {name: summary[name] for name in told}}, sent

  def train(self, arrays: Arrays) -> tuple[dict[str, Any], Any]:
    """The updates of one round."""
    run, number = self._run, int(self._about['round'])
    experiment = self._experiment()
    self._claim(experiment)
    site = Local('', experiment, run.config, self._settings, run.devices)
    current = self._variables(experiment, arrays)
    with Checkpoints(
      run.workdir.folder / _MEMORY, keep=3, run=run.workdir.identity(), trains=True
    ) as kept:
      memory = _remembered(kept, number, site, current['params'])
      if not self._spends(site, begun=bool(kept.steps())):
        return {wire.SPENT: True}, None
      update = site.train(number, current['params'], current['model_state'], memory)
      kept.drop(number)  # of a server that was killed, and asks for the round once more
      if _is_finite(update):  # otherwise this round did not happen here
        position = Position(number + 1, number + 1, 0, None, experiment.data.fingerprint)
        kept.save({_MEMORY: update.memory}, position)
    sent = {'params': update.params, 'model_state': update.model_state}
    told: dict[str, Any] = {'examples': update.examples}
    if update.loss is not None:  # that of private cases stays here
      told['loss'] = wire.number(update.loss)
    return told, sent

  def _spends(self, site: Local, begun: bool) -> bool:
    """Whether there is budget for a round, whose updates count as told before they are.

    Args:
      site: that would train.
      begun: whether it has trained in this federation before.

    Raises:
      UserError: another federation has spent what there is here, the mechanism has changed, or
        what was spent is not known any more.
    """
    privacy, workdir = site.experiment.privacy, self._run.workdir
    if privacy is None:
      return True
    sent = budget.sent(workdir, _HERE)
    if begun and not sent:
      raise UserError(
        f'{workdir.privacy}: is not there, or empty, though this site has trained; restore it, as '
        'it counts what was told of patients'
      )
    if sent + site.updates > privacy.updates:
      print(
        f'config.privacy.epsilon={privacy.epsilon:g}: is spent; this site trains no more in this '
        'federation',
        file=sys.stderr,
        flush=True,
      )
      return False
    self._budgets.take()
    budget.sends(workdir, {_HERE: (privacy, site.updates)})
    return True

  def evaluate(self, arrays: Arrays) -> tuple[dict[str, Any], Any]:
    """Loss and score on the site's validation cases."""
    run, experiment = self._run, self._experiment()
    current = self._variables(experiment, arrays)
    step = parallel.compile_evaluate(experiment, run.devices, run.config.precision)
    variables = {'params': current['params'], **current['model_state']}
    table, loss = predict.predict_split(
      experiment,
      step,
      parallel.place(variables, run.devices),
      experiment.data.splits['val'],
      run.devices,
      run.config.batch_size,
    )
    return {
      'loss': wire.number(loss),
      'score': wire.number(experiment.task.outcome.score(table)),
    }, None

  def end(self, arrays: Arrays) -> tuple[dict[str, Any], Any]:
    """Makes a run of the final model, evaluates it here, and tells metrics."""
    run, experiment = self._run, self._experiment()
    self._claim(experiment)
    train_verb.claim(run, experiment)
    self._keep(experiment, self._variables(experiment, arrays), int(self._about['round']))
    run.finish('federate', experiment)
    found = run.workdir.read(run.workdir.evaluation)
    split = 'test' if 'test' in found else 'val'
    metrics = {
      name: {part: wire.number(one.get(part)) for part in ('value', 'low', 'high')}
      for name, one in found[split].items()
    }
    told = {'split': split, 'metrics': metrics}
    return told | ({PRIVACY: found[PRIVACY]} if PRIVACY in found else {}), None

  def _experiment(self) -> Experiment:
    """The experiment by what sites agreed on."""
    agreed = self._about['agreed']
    if not agreement.is_settled(agreed):
      own = self._built(told=False)
      agreed = agreement.settled(_plain(own.data.details), _plain(agreed))
      # Details of a private site are from its first round on those that were agreed on.
      if not self._run.config.privacy.epsilon and agreed == own.data.details:
        return own
    if self._run.config.privacy.epsilon:  # what was agreed on has nothing of private cases here
      agreed = {**agreed, _PRIVATE: True}
    return self._built(told=False, agreed=agreed)

  def _built(self, **given: Any) -> Experiment:
    return self._run.experiment(planned=self._planned, **given)

  def _claim(self, experiment: Experiment) -> None:
    """Begins the run folder, or sees that it is of these settings and data."""
    workdir = self._run.workdir
    workdir.claim(self._run.config)
    workdir.claim_data(experiment.data.summary() | {AGREED: True})
    if experiment.privacy is not None:  # also of a site that never trains
      budget.sends(workdir, {_HERE: (experiment.privacy, 0)})

  def _variables(self, experiment: Experiment, arrays: Arrays) -> dict[str, Any]:
    whole: Any = state.abstract(experiment)
    like = {'params': whole.params, 'model_state': whole.model_state}
    return wire.tree(arrays, like)

  def _keep(self, experiment: Experiment, current: Mapping[str, Any], rounds: int) -> None:
    """Writes the final model as a checkpoint, and the rounds as the run's log."""
    workdir = self._run.workdir
    whole: Any = state.abstract(experiment)
    average = None
    if whole.average is not None:
      average = {'params': current['params'], **current['model_state']}
    done: Any = np.asarray(rounds, np.int32)
    final = State(done, current['params'], current['model_state'], {}, average)
    with Checkpoints(workdir.checkpoints, keep=1, run=workdir.identity(), trains=True) as kept:
      if rounds in kept.steps():
        return
      kept.save(final, Position(rounds, rounds, 0, None, experiment.data.fingerprint))
    log = MetricsLog(workdir, 0)
    for line in self._about['history']:
      values = {k: v for k, v in line.items() if k not in ('step', 'epoch', 'split')}
      log.write(int(line['step']), int(line['epoch']), str(line['split']), values)
    log.took(rounds, ended=True)
    log.close()


def _plain(details: Mapping[str, Any]) -> dict[str, Any]:
  """Details without what each site has for itself: whether its cases are private."""
  return {name: value for name, value in details.items() if name != _PRIVATE}


def _remembered(kept: Checkpoints, number: int, site: Local, params: Any) -> Any:
  """What the optimiser of a site knew before a round: of the newest round before it, or nothing.

  A server that was killed may ask for a round once more, which begins where it began before.
  """
  new = jax.device_get(site.experiment.optimizer.init(params))
  before = [step for step in kept.steps() if step <= number]
  if not before:
    return new
  like = {_MEMORY: jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), new)}
  return kept.read(max(before), like)[0][_MEMORY]


def _is_finite(update: Update) -> bool:
  leaves = jax.tree.leaves(update.params)
  of_loss = update.loss is None or bool(np.isfinite(update.loss))
  return of_loss and all(np.isfinite(leaf).all() for leaf in leaves)
