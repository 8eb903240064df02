"""A feed-forward network on any table: classes or numbers, columns of numbers and of categories.

    python -m experiments.tabular_mlp                                        # a simulated clinic
    python -m experiments.tabular_mlp --config.data.source=my.csv --config.data.label_column=outcome
    python -m experiments.tabular_mlp crossval --config.data.folds=5 ...
    python -m experiments.tabular_mlp predict new_patients.csv --workdir=RUN

Columns whose cells are all numbers (or missing) are numbers, others categories;
--config.data.categorical=a,b says it of codes, --config.data.drop=c,d leaves columns out. Means,
medians and levels are fitted on training rows and kept with the run. A byte-order mark, semicolons
and tabs are fine. Labels with more than ten different numbers make it a regression.
"""

import dataclasses

import optax

import medjax
from medjax import models, tasks
from medjax.config import setting
from medjax.data import tabular
from medjax.data.simulate import clinic


@dataclasses.dataclass
class Config(medjax.ExplanationSettings, medjax.ClassSettings, medjax.Config):
  """Settings of this experiment."""

  data: tabular.Config = dataclasses.field(default_factory=tabular.Config)
  features: tuple[int, ...] = setting((64, 64), 'Units of each hidden layer.', low=1)
  dropout: float = setting(0.2, 'Dropout rate after each hidden layer.', low=0.0, high=0.95)
  weight_decay: float = setting(1e-3, 'Decoupled weight decay.', low=0.0)
  num_epochs: int = setting(40, 'Passes over the training examples.', low=1)


def build(config: Config) -> medjax.Experiment:
  data = tabular.load(config.data, simulator=clinic.simulate)
  task: tasks.Task
  if data.classes:
    task = tasks.classification(data.classes)
  else:
    task = tasks.Regression(data.details['label_mean'], data.details['label_scale'])
  return medjax.Experiment(
    data=data,
    model=models.MLP(config.features, outputs=task.outputs, dropout=config.dropout),
    task=task,
    optimizer=optax.adamw(config.learning_rate, weight_decay=config.weight_decay),
  )


if __name__ == '__main__':
  medjax.main(Config(), build)
