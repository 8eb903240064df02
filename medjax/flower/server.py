"""The app of the server: rounds of sites, of which it holds parameters and no case."""

import copy
import dataclasses
import hashlib
import json
import math
import pathlib
import secrets
import sys
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
import optax
from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

from medjax import config as config_lib
from medjax import runtime, sealed
from medjax.config import Config
from medjax.data import dataset
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.federated import combine, merge, server
from medjax.federated.local import Update
from medjax.flower import agree, result, wire
from medjax.flower.plan import Plan
from medjax.flower.sites import Answer, Sites, require
from medjax.spent import Spent
from medjax.training import evaluate, history, state
from medjax.training import keeper as keeper_lib
from medjax.training.state import State
from medjax.workdir import Workdir

_PLAN = 'federation-plan.json'
_TRIES = 3  # of a round from which too little came
_NO_BUDGET = 'its budget is spent'


def app(config: Config, build: Callable[[Any], Experiment]) -> ServerApp:
  """What the server runs.

  Args:
    config: the experiment's settings with their defaults.
    build: makes the experiment of settings.

  Example:
    >>> server_app = app(tabular_mlp.Config(), tabular_mlp.build)  # doctest: +SKIP
  """
  found = ServerApp()

  @found.main()
  def main(grid: Grid, context: Context) -> None:
    try:
      plan = Plan.of(config, context.run_config)
      Server(grid, plan, build).run()
    except UserError as error:
      print(f'error: {error}', file=sys.stderr, flush=True)
      raise UserError(str(error)) from None  # by which Flower knows that the run has failed

  return found


class _SpentError(Exception):
  """Too few sites may train on; the rounds before stand."""


class Server:
  """A federation at its server.

  Args:
    grid: Flower's way to the sites.
    plan: what is to be done.
    build: makes the experiment of settings.
  """

  def __init__(self, grid: Grid, plan: Plan, build: Callable[[Any], Experiment]):
    self._plan, self._build = plan, build
    self._name = build.__module__.rsplit('.', 1)[-1]
    self.workdir = Workdir(pathlib.Path(plan.workdir).expanduser())
    self.sites = Sites(grid, plan.fewest, plan.round_seconds, {})

  def run(self) -> None:
    """All rounds, from where the run folder stands, and the comparison of sites.

    Raises:
      UserError: the folder holds something else, sites cannot train together, or too few of them
        send anything that can be used.
    """
    plan, workdir = self._plan, self.workdir
    config_lib.check(plan.config)
    runtime.configure(xla_tuning=plan.config.xla_tuning)
    with workdir.alone():
      about, begun = self._begun()
      self.sites.about = {'federation': about['federation'], 'agreed': about['agreed']}
      self.sites.known |= about['sites']  # who was there before this process, and may be lost
      experiment = self._experiment(about)
      with keeper_lib.kept(
        experiment,
        plan.config,
        workdir,
        Spent(),
        lambda: begun or self._begin(about)[1],
        shown=False,
        steps_per_epoch=1,
      ) as (keeper, current):
        current = jax.device_get(current)
        if keeper.step:
          print(f'continuing after round {keeper.step} of {plan.config.num_epochs}', flush=True)
        log = server.Log(workdir, keeper.step)
        try:
          while not keeper.finished():
            current = self._round(experiment, keeper, current, log)
            self._remember(about)
        except _SpentError as over:
          about = {**about, 'notes': [*about['notes'], str(over)]}
          print(f'{over}; its model is the last', flush=True)
        keeper.end()
      self._end(experiment, about)

  def _round(self, experiment: Experiment, keeper: Any, current: State, log: server.Log) -> State:
    number = keeper.step
    current, metrics, left_out = self._together(experiment, number, current)
    keeper.step += 1
    keeper.note(keeper.step, metrics)
    log.write(keeper.step, metrics, left_out)
    line = f'round {keeper.step} of {self._plan.config.num_epochs}'
    if 'loss' in metrics:
      line += f': loss {metrics["loss"]:.3f}'
    score = None
    if keeper.validates():
      score, loss = self._validate(current)
      if loss is not None:
        keeper.scored(score, loss)
        monitor = experiment.task.outcome.monitor
        shown = 'undefined' if score is None else f'{score:.3f}'
        line += f'; validation loss {loss:.3f}, {monitor} {shown}'
    print(line, flush=True)
    keeper.save(current, score)
    keeper.wait()  # what sites did for hours is not lost with this process
    return current

  def _together(
    self, experiment: Experiment, number: int, current: State
  ) -> tuple[State, dict[str, float], dict[str, str]]:
    """One round, up to a few times where too little came of it; see ``merge.merged``."""
    plan = self._plan
    sent = {'params': current.params, 'model_state': current.model_state}
    received: dict[str, Update] = {}  # that of one try counts in the next: it took hours, or budget
    for last in (False,) * (_TRIES - 1) + (True,):
      present = self.sites.present()
      others = {name: node for name, node in present.items() if name not in received}
      left_out = self.sites.absent({**present, **received})
      answers, failed = self.sites.ask('train', {'round': number}, sent, others)
      left_out |= failed
      for name, answer in answers.items():
        if answer.about.get(wire.SPENT):
          left_out[name] = _NO_BUDGET
          continue
        try:
          received[name] = self._update(name, answer, sent)
        except ValueError as error:
          left_out[name] = str(error)
      found = merge.merged(number, current, received, plan.settings, experiment.average)
      left_out |= found.left_out
      if found.state is not None and len(found.used) >= plan.fewest:
        return found.state, found.metrics, left_out
      for name in found.left_out:
        del received[name]
      if last and number and _NO_BUDGET in left_out.values():
        raise _SpentError(
          f'budgets of sites were spent after round {number} of {plan.config.num_epochs}'
        )
      if last:
        require(len(found.used), plan.fewest, number, left_out)
      print(f'round {number + 1} once more: {merge.spell(left_out)}', file=sys.stderr, flush=True)
    raise AssertionError

  def _update(self, name: str, answer: Answer, sent: Any) -> Update:
    """What a site sent; ValueError says why it cannot be used."""
    found = wire.tree(answer.arrays, sent)
    value = None  # private
    if 'loss' in answer.about:
      loss = answer.about['loss']
      value = float(loss) if isinstance(loss, int | float) else math.nan
    # It counts by the cases that it had before anybody trained.
    cases = self.sites.known[name]['splits']['train']['examples']
    return Update(found['params'], found['model_state'], None, cases, value)

  def _validate(self, current: State) -> tuple[float | None, float | None]:
    """Score and loss on validation cases of sites, by their number; None where there is none."""
    answers, _ = self.sites.ask('evaluate', {}, _sent(current.variables), self.sites.present())
    found = []
    for name, answer in answers.items():
      cases = self.sites.known[name]['splits']['val']['examples']
      values = [answer.about.get(key) for key in ('score', 'loss')]
      known = (v if isinstance(v, int | float) and math.isfinite(v) else None for v in values)
      found.append((cases, *known))
    return _weighted(found, 1), _weighted(found, 2)

  def _begun(self) -> tuple[dict[str, Any], State | None]:
    """What the federation is; agreed on with sites where none has begun in the folder."""
    workdir, plan = self.workdir, self._plan
    workdir.check(plan.config)
    path = workdir.folder / _PLAN
    settings = plan.settings.to_json()
    if workdir.data.exists() and path.exists():
      about = sealed.read(path)[0]
      if about['settings'] != settings:
        raise UserError(
          f'{workdir.folder}: holds a federation with other settings; choose another server.workdir'
        )
      return about, None
    self.sites.about = {'federation': self._new_name(), 'agreed': {}}
    known = {name: self.sites.known[name] for name in self.sites.present()}
    agreed, notes = agree.agreed(known)
    for note in notes:
      print(f'data: {note}', flush=True)
    about = {
      **self.sites.about, 'settings': settings, 'agreed': agreed, 'notes': notes, 'sites': known,
    }  # fmt: skip
    self.sites.about = {**self.sites.about, 'agreed': agreed}
    data, current = self._begin(about)
    workdir.claim(plan.config)
    sealed.write(path, about)
    workdir.claim_data(self._summary(data, known))
    return about, current

  def _remember(self, about: dict[str, Any]) -> None:
    """Writes which sites take part, where others than before do."""
    if about['sites'] != self.sites.known:
      about['sites'] = dict(self.sites.known)
      sealed.write(self.workdir.folder / _PLAN, about)

  def _new_name(self) -> str:
    return f'{self._name[:64].lower()}-{secrets.token_hex(8)}'

  def _begin(self, about: Mapping[str, Any]) -> tuple[dict[str, Any], State]:
    """What the first site says of the data, and the state of its parameters before the rounds."""
    present = self.sites.present()
    leads = next(iter(present))
    answers, failed = self.sites.ask(
      'query.begin', lambda name: {'leads': name == leads}, None, present
    )
    for name, why in failed.items():
      self.sites.refuse(name, why)
    if leads not in answers:
      raise UserError(f'{leads} was to begin: {failed[leads]}')
    lead = answers[leads]
    try:
      data = {name: lead.about['data'][name] for name in ('classes', 'example', 'details')}
      data['simulated'] = bool(lead.about['data']['simulated'])
      described = self._describe({**data, 'fingerprint': '', 'splits': self._splits()})
      whole: Any = state.abstract(described)
      current = wire.tree(lead.arrays, {'params': whole.params, 'model_state': whole.model_state})
    except (KeyError, TypeError, ValueError) as error:
      raise UserError(f'{leads}: what it begins with cannot be read: {error!r}') from None
    if reason := combine.wrong(current, current):
      raise UserError(f'{leads}: what it begins with cannot be used: {reason}')
    for name, answer in answers.items():
      if answer.about.get('digest') != lead.about.get('digest'):
        print(
          f'{name} would begin with other parameters than {leads}, whose are used: it has another '
          'device or another version',
          file=sys.stderr,
          flush=True,
        )
    params, others = current['params'], current['model_state']
    average = {'params': params, **others} if described.average else None
    zero: Any = np.zeros((), np.int32)
    memory = {'server': self._plan.settings.server().init(params)}
    return data, State(zero, params, others, jax.device_get(memory), average)

  def _splits(self) -> dict[str, Any]:
    """Counts of all sites together."""
    found: dict[str, Any] = {}
    for one in self.sites.known.values():
      for name, split in one['splits'].items():
        total = found.setdefault(name, {'examples': 0, 'groups': 0, 'classes': {}})
        for key in ('examples', 'groups'):
          total[key] += split[key]
        for label, count in split['classes'].items():
          total['classes'][label] = total['classes'].get(label, 0) + count
    return found

  def _summary(self, data: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """What data.json says at the server; see ``Dataset.summary``."""
    text = json.dumps([data, known], sort_keys=True)
    return {
      'source': f'{len(known)} sites: {", ".join(known)}',
      'fingerprint': hashlib.blake2b(text.encode(), digest_size=8).hexdigest(),
      **data,
      'notes': [],
      'splits': self._splits(),
      'groups_in_two_splits': 0,
    }

  def _describe(self, about: Mapping[str, Any]) -> Experiment:
    config: Any = copy.copy(self._plan.config)
    config.data = copy.copy(config.data)
    config.data.stored = {'source': 'sites', **about}
    return self._build(config)

  def _experiment(self, about: Mapping[str, Any]) -> Experiment:
    """The experiment without cases, whose optimiser's state is what the server remembers."""
    described = self._describe(dataset.describe(self.workdir))
    memory = self._plan.settings.server()

    def init(params: Any) -> Any:
      return {'server': memory.init(params)}

    optimizer = optax.GradientTransformation(init, lambda *_: (None, None))
    return dataclasses.replace(described, optimizer=optimizer, start=None)  # the sites' is theirs

  def _end(self, experiment: Experiment, about: Mapping[str, Any]) -> None:
    """Sends the chosen model to the sites, and writes what each found with it."""
    variables, step = evaluate.best_variables(experiment, self.workdir)
    lines = [line for line in history.read(self.workdir).lines if line['step'] <= step]
    present = self.sites.present()
    answers, failed = self.sites.ask(
      'query.end', {'round': step, 'history': lines}, _sent(variables), present
    )
    failed |= self.sites.absent(present)
    environment = {**runtime.environment(), 'experiment': self._name}
    self.workdir.write(self.workdir.environment, environment)
    result.show(
      self.workdir, experiment, self._plan, self.sites.known, answers, failed, step, about['notes']
    )


def _sent(variables: Mapping[str, Any]) -> dict[str, Any]:
  others = {name: leaves for name, leaves in variables.items() if name != 'params'}
  return {'params': variables['params'], 'model_state': others}


def _weighted(found: list[Any], place: int) -> float | None:
  """Mean of the numbers at a place of rows, weighted by their first; None where there is none."""
  known = [row for row in found if row[place] is not None]
  if not known:
    return None
  return float(np.average([row[place] for row in known], weights=[row[0] for row in known]))
