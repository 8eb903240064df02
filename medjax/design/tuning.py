"""A language model that is tuned toward a goal by what its own molecules score (REINVENT).

Molecules are drawn of the model and scored on the host, and the model's log-likelihood of each is
moved to that of the model before tuning plus sigma times the score, by the same training step as
everything else; see ``tasks.AugmentedLikelihood``.

Source:
  Olivecrona, M., Blaschke, T., Engkvist, O. and Chen, H. (2017), Molecular de-novo design through
    deep reinforcement learning, J. Cheminform. 9:48.
  Blaschke, T. et al. (2020), REINVENT 2.0: an AI tool for de novo drug design, J. Chem. Inf. Model.
    60:5918.
"""

import dataclasses
import functools
import pathlib
from typing import Any

import jax
import numpy as np

from medjax import optimizers, runtime, sealed
from medjax.config import setting
from medjax.design import sampler
from medjax.design.language import Language
from medjax.design.memory import Memory
from medjax.design.objective import Objective
from medjax.experiment import Experiment
from medjax.tasks import AugmentedLikelihood
from medjax.training import checkpoint, parallel, state
from medjax.training.position import Position


@dataclasses.dataclass
class Settings:
  """How a model is tuned."""

  seed: int = setting(0, 'Seed of everything random.', low=0, high=2**31 - 1)
  steps: int = setting(300, 'Updates.', low=1)
  molecules: int = setting(64, 'Molecules that are drawn for an update.', low=1, high=4096)
  temperature: float = setting(
    1.0, 'By which logits are divided in drawing: below 1 the likely becomes likelier.', low=0.01
  )
  sigma: float = setting(120.0, 'How much a score of 1 adds to a log-likelihood.', low=0.0)
  learning_rate: float = setting(1e-4, 'Step size of Adam.', low=0.0)
  replayed: int = setting(10, 'Of the best molecules so far, for each update.', low=0)
  remembered: int = setting(100, 'How many the best are of which these are drawn.', low=1)
  least: float = setting(0.4, 'Score from which a molecule is remembered.', low=0.0, high=1.0)
  bucket: int = setting(25, 'Molecules of a scaffold that are rewarded.', low=1)
  save_steps: int = setting(25, 'Updates between what is kept of a tuning.', low=1)


class Tuning:
  """A tuning of a language, which goes on from where it was saved last.

  Attributes:
    done: updates so far.
    memory: what it remembers.

  Args:
    language: before tuning.
    experiment: of its run.
    objective: what it is tuned toward.
    settings: how.
    folder: where it is kept.
    identity: of languages, goal and settings; what was kept of others is taken for damaged.
  """

  def __init__(
    self,
    language: Language,
    experiment: Experiment,
    objective: Objective,
    settings: Settings,
    folder: pathlib.Path,
    identity: str,
  ):
    self._prior, self._objective, self._settings = language, objective, settings
    self._folder, self._identity = folder, identity
    self._devices = runtime.devices(1)
    optimizer = optimizers.Adam(settings.learning_rate)
    tuned = dataclasses.replace(
      experiment, task=AugmentedLikelihood(), optimizer=optimizer, average=0.0, penalty=None
    )
    self._step = parallel.compile_train(tuned, self._devices, 'float32', 1)
    self.memory, self.done = Memory(settings.least, settings.bucket), 0
    with self._checkpoints() as kept:
      found = kept.latest(state.abstract(tuned))
    if found is None:
      first = state.create(tuned, settings.seed)
      # A copy, as a step takes over the memory of the state that it is given.
      self._state = dataclasses.replace(first, params=_copy(language.variables['params']))
    else:
      self._state, self.done = found[0], found[1].step
      self.memory = Memory(**sealed.read(self._kept(self.done), 'tune again')[0])

  @property
  def language(self) -> Language:
    """As it is tuned so far."""
    return dataclasses.replace(self._prior, variables={'params': self._state.params})

  def step(self) -> dict[str, float]:
    """One update; what its molecules were like: mean ``score``, ``valid`` and ``loss``."""
    settings = self._settings
    key = jax.random.fold_in(jax.random.key(settings.seed), self.done)
    count = settings.molecules
    drawn = self._prior.read(
      *jax.device_get(
        sampler.compiled(
          self._prior.model,
          self._prior.longest,
          count,
          {'params': self._state.params},
          key,
          settings.temperature,
        )
      )
    )
    valid = list(dict.fromkeys(one for one in drawn.smiles if one))
    scores = np.zeros(count)
    if valid:
      of = dict(zip(valid, self._objective.scores(self._objective.values(valid)), strict=True))
      scores = np.array([of.get(one, 0.0) for one in drawn.smiles])
    random = np.random.default_rng([settings.seed, self.done])
    replayed = self.memory.replay(settings.replayed, settings.remembered, random)
    rewards = self.memory.rewards(drawn.smiles, drawn.text, scores)
    tokens = np.zeros((count + settings.replayed, self._prior.longest), np.uint8)
    tokens[:count] = drawn.tokens
    for row, one in enumerate(replayed, start=count):
      numbers = self._prior.vocabulary.encode(self.memory.written[one])
      tokens[row, : len(numbers)] = numbers
    wanted = np.zeros(len(tokens))
    wanted[:count] = rewards
    wanted[count : count + len(replayed)] = [self.memory.kept[one] for one in replayed]
    loss = self._update(tokens, wanted)
    self.done += 1
    if self.done % settings.save_steps == 0 or self.done == settings.steps:
      self._save()
    return {'score': float(scores.mean()), 'valid': float((scores > 0).mean()), 'loss': loss}

  def _update(self, tokens: np.ndarray, wanted: np.ndarray) -> float:
    """Moves the model's log-likelihoods of different sequences to what is wanted; gives the loss.

    Args:
      tokens: uint8 [N, L]; a row without any is none.
      wanted: score of each, [N].
    """
    before = np.asarray(_log_likelihood(self._prior.model, self._prior.variables, tokens))
    first = np.unique(tokens, axis=0, return_index=True)[1]
    mask = np.isin(np.arange(len(tokens)), first) & (tokens[:, 0] > 0)
    augmented = (before + self._settings.sigma * wanted).astype(np.float32)
    batch = {'tokens': tokens, 'augmented': augmented, 'mask': mask}
    key = jax.random.key(self._settings.seed)
    self._state, metrics = self._step(self._state, jax.tree.map(lambda a: a[None], batch), key)
    return float(metrics['loss'])

  def _save(self) -> None:
    """Memory first: what stands in a checkpoint is whole only with it."""
    sealed.write(self._kept(self.done), self.memory.to_json())
    with self._checkpoints() as kept:
      kept.save(self._state, Position(self.done, 0, 0, None, self._identity))
    for path in self._folder.glob('memory-*.json'):
      if path != self._kept(self.done):
        path.unlink()

  def _kept(self, step: int) -> pathlib.Path:
    return self._folder / f'memory-{step}.json'

  def _checkpoints(self) -> checkpoint.Checkpoints:
    folder = self._folder / 'checkpoints'
    return checkpoint.Checkpoints(folder, 1, self._identity, trains=True)


@functools.partial(jax.jit, static_argnums=0)
def _log_likelihood(model: Any, variables: Any, tokens: jax.Array) -> jax.Array:
  return model.apply(variables, tokens.astype('int32')).sum(axis=1)


def _copy(tree: Any) -> Any:
  return jax.tree.map(lambda leaf: jax.numpy.array(leaf), tree)
