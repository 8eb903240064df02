"""What a protein does: where in the cell it works, and how well its variants do.

Default: simulated proteins of five places, with the sorting signals of textbooks
(medjax.data.simulate.sorting).

    python -m experiments.protein_function

tells five places apart in 3,000 of them: accuracy 0.936 (95% interval 0.909 to 0.955), AUROC 0.994
(0.991 to 0.996), 23 s (seed 0; 2 cores of an AMD EPYC with AVX-512, jax 0.10.2, float32).

On real proteins, one run each (--config.seed=0), with settings chosen on validation, on two cores
of an AMD EPYC with AVX-512 that were busy with other work, so times are upper bounds:

  Ten places in the cell (DeepLoc, Almagro Armenteros et al. 2017; 1,655 proteins to train and
  validate, 2,768 to test), with

    --config.data.source=train.fasta.gz --config.data.test=test.fasta.gz
    --config.data.label_pattern=' (\\S+)-[MSU]' --config.data.label_separator=-
    --config.data.length=1000 --config.data.keep=ends --config.data.allow_group_overlap=true
    --config.kernel=5 --config.layers=0 --config.width=1 --config.dropout=0.6
    --config.weight_decay=0.05 --config.num_epochs=20 --config.members=5

  accuracy 0.542 (0.520 to 0.564), macro F1 0.350 (0.332 to 0.368), AUROC 0.832; 283 s. The most
  frequent place alone is .291. Validation had .585. The 23 proteins of two places are left out;
  with --config.data.labels=several they stay, and a protein may have several places or none.

  Fitness of variants of GB1 (Wu et al. 2016, splits of FLIP, Dallago et al. 2021), with

    --config.data.source=SPLIT.csv --config.data.label_column=target --config.data.labels=numbers
    --config.data.similar=identical --config.data.varying=true --config.data.alphabet=protein
    --config.model=mlp --config.layers=2 --config.hidden=128 --config.dropout=0.2
    --config.weight_decay=0.1 --config.num_epochs=80 --config.batch_size=64 --config.members=5

  Spearman's correlation: sampled 0.956 (0.951 to 0.961), three_vs_rest 0.882 (0.877 to 0.887),
  low_vs_high 0.560 (0.534 to 0.583); 111, 57 and 121 s. Ridge regression on one-hot letters has
  .788, .755 and .343. What is predicted above the range of the training labels is ordered, but far
  too low: R2 is negative in low_vs_high.

--config.data.varying=true keeps only the places that differ, without which most inputs are the same
for all variants and drown the rest. predict --variants=FILE says what single changes do.
"""

import dataclasses
import functools
from typing import Any, Literal

import optax

import medjax
from medjax import models, tasks
from medjax.config import setting
from medjax.data import sequences
from medjax.data.sequences import alphabet
from medjax.data.simulate import sorting


@dataclasses.dataclass
class Config(medjax.ExplanationSettings, medjax.ClassSettings, medjax.Config):
  """Settings of this experiment."""

  data: sequences.Config = dataclasses.field(
    default_factory=lambda: sequences.Config(simulated=3000)
  )
  model: Literal['cnn', 'mlp', 'transformer'] = setting(
    'cnn', 'The network; mlp is for variants of one protein.'
  )
  features: int = setting(64, 'Filters of each layer.', low=1)
  kernel: int = setting(5, 'Letters that a filter of the first layer sees.', low=1)
  layers: int = setting(2, 'Convolutions after the first, or encoder layers.', low=0)
  reach: int = setting(5, 'Places that a filter of a later convolution sees.', low=1)
  width: int = setting(2, 'Neighbours of which the strongest match counts, or the stride.', low=1)
  pool: Literal['anywhere', 'ends', 'places'] = setting('ends', 'How a CNN pools places.')
  hidden: int = setting(64, 'Units of the dense layer of a CNN.', low=1)
  members: int = setting(1, 'Networks that are trained at once and predict by their mean.', low=1)
  dropout: float = setting(0.4, 'Dropout rate.', low=0.0, high=0.95)
  weight_decay: float = setting(1e-2, 'Decoupled weight decay.', low=0.0)
  learning_rate: float = setting(2e-3, 'Largest step size, after a tenth of the updates.', low=0.0)
  batch_size: int = setting(32, 'Examples an update, over all devices and hosts.', low=1)
  num_epochs: int = setting(10, 'Passes over the training examples.', low=1)


def build(config: Config) -> medjax.Experiment:
  data = sequences.load(
    config.data, simulator=sorting.simulate, classes=sorting.CLASSES, letters=alphabet.PROTEIN
  )
  task: tasks.Task
  if config.data.labels == 'several':
    task = tasks.Multilabel(len(data.classes))
  elif data.classes:
    task = tasks.classification(data.classes)
  else:
    task = tasks.Regression(data.details['label_mean'], data.details['label_scale'])
  network: Any = {
    'cnn': functools.partial(
      models.SequenceCNN,
      features=config.features,
      kernel=config.kernel,
      blocks=config.layers,
      reach=config.reach,
      width=config.width,
      pool=config.pool,
      hidden=config.hidden,
    ),
    'mlp': functools.partial(models.MLP, features=(config.hidden,) * config.layers),
    'transformer': functools.partial(
      models.Transformer,
      features=config.features,
      kernel=config.kernel,
      layers=config.layers,
      stride=config.width,
    ),
  }[config.model]
  network = functools.partial(network, outputs=task.outputs, dropout=config.dropout)
  steps = config.num_epochs * -(-data.examples('train') // config.batch_size)
  rate = optax.warmup_cosine_decay_schedule(0.0, config.learning_rate, steps // 10, steps)
  return medjax.Experiment(
    data=data,
    model=network() if config.members == 1 else models.Ensemble(network, config.members),
    task=task,
    optimizer=optax.chain(
      optax.clip_by_global_norm(1.0), optax.adamw(rate, weight_decay=config.weight_decay)
    ),
  )


if __name__ == '__main__':
  medjax.main(Config(), build)
