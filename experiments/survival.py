"""Survival: Cox regression, a Cox network or a discrete-time network on any table.

Cox (1972), with Efron's ties, full batches and L-BFGS: the same step as for a network, and the
coefficients and standard errors of lifelines within 1e-4. With hidden layers DeepSurv (Katzman et
al. 2018); by intervals nnet-survival (Gensheimer and Narasimhan 2019), whose hazards may cross.

    python -m experiments.survival                                       # Cox regression
    python -m experiments.survival --config.features=32 [--config.model=discrete]
    python -m experiments.survival crossval --config.data.folds=5 ...
    python -m experiments.survival --config.data.source=my.csv --config.data.time_column=days
        --config.data.event_column=status --config.unit=days --config.horizons=365,730

On 2,000 simulated patients with lung cancer, five folds, regression has a concordance of 0.700 (95%
t interval over folds 0.678 to 0.721); ranked by the hazards that they were made with, 0.727. Less
than a minute a run on 2 cores of an AMD EPYC, jax 0.10.2. More in README.md.
"""

import dataclasses
from typing import Literal

import numpy as np
import optax

import medjax
from medjax import models, tasks
from medjax.config import setting, spell
from medjax.data import tabular
from medjax.data.simulate import cohort
from medjax.space import Choices, Log, Uniform


@dataclasses.dataclass
class Config(medjax.Config):
  """Settings of this experiment."""

  data: tabular.SurvivalConfig = dataclasses.field(default_factory=tabular.SurvivalConfig)
  model: Literal['cox', 'discrete'] = setting(
    'cox', 'Proportional hazards, or a hazard for each of several intervals.'
  )
  horizons: tuple[float, ...] = setting(
    (), 'Times at which survival is told; empty for the quartiles of times of events.', low=0.0
  )
  unit: str = setting('', "Of the times, for readers, such as 'days'.")
  intervals: int = setting(10, 'Intervals of a discrete model, with as many events each.', low=1)
  features: tuple[int, ...] = setting((), 'Units of each hidden layer; empty for none.', low=1)
  dropout: float = setting(0.2, 'Dropout rate after each hidden layer.', low=0.0, high=0.95)
  weight_decay: float = setting(0.1, 'Decoupled weight decay, with hidden layers.', low=0.0)
  batch_size: int = setting(2**20, 'Examples an update; as many as there are, at most.', low=1)
  num_epochs: int = setting(50, 'Passes over the training examples.', low=1)
  validate_epochs: int = setting(10, 'Epochs between validations and checkpoints.', low=1)
  learning_rate: float = setting(1e-2, 'Step size of the optimiser of a network.', low=0.0)
  select: Literal['best', 'last'] = setting('last', 'Which checkpoint is evaluated.')
  precision: Literal['auto', 'float32', 'bfloat16'] = setting(
    'float32', 'Compute type; bfloat16 would round the columns to 8 bits.'
  )

  def validate(self) -> None:
    super().validate()
    if self.horizons and not (np.diff((0.0, *self.horizons)) > 0).all():
      raise medjax.UserError(
        f'config.horizons={spell(self.horizons)}: expected times above 0 that rise'
      )


# The last three count with hidden layers alone.
SPACE = {
  'features': Choices(((), (16,), (64,))),
  'learning_rate': Log(1e-3, 1e-1),
  'weight_decay': Log(1e-3, 1.0),
  'dropout': Uniform(0.0, 0.5),
}


def build(config: Config) -> medjax.Experiment:
  data = tabular.load(config.data, simulator=cohort.simulate, reference=True)
  times, survival = data.details['event_times'], data.details['event_survival']
  horizons = config.horizons or tuple(data.details['horizons'])
  unit = config.unit or ('days' if data.simulated else '')
  task: tasks.Task = tasks.Cox(horizons, unit)
  if config.model == 'discrete':
    task = tasks.DiscreteTime.of_events(times, survival, config.intervals, horizons, unit)
  adam = optax.adamw(config.learning_rate, weight_decay=config.weight_decay)
  return medjax.Experiment(
    data=data,
    model=models.MLP(config.features, outputs=task.outputs, dropout=config.dropout),
    task=task,
    optimizer=adam if config.features else optax.lbfgs(memory_size=20),
  )


if __name__ == '__main__':
  medjax.main(Config(), build)
