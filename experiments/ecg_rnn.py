"""Heartbeats by class: a recurrent network along the samples of an ECG.

Default: simulated beats, normal, supraventricular or ventricular, in patients that differ in rate,
waves and noise (medjax.data.simulate.heartbeat). Splits are by patient.

    python -m experiments.ecg_rnn

trains a bidirectional GRU on 4,180 of 6,000 beats: test AUROC 0.980 (95% interval 0.971 to 0.988,
mean over classes), macro F1 0.910 (0.880 to 0.936), sensitivity to supraventricular beats 0.770, in
58 s (seed 0; 2 cores of an AMD EPYC with AVX-512 that had other work too, jax 0.10.2, float32, like
all that follows).

    python -m experiments.ecg_rnn predict record.hea --workdir=RUN

gives a row for each annotated beat of a WFDB record, or for each that a detector finds where there
is no .atr file. Records need the package wfdb: pip install 'medjax[bio]'.

On real beats:

  ECG5000 (Chen et al. 2015; UCR archive; one patient with heart failure), the 500 beats of its
  training file, 292, 177, 10, 19 and 2 of each class, in five folds; settings were chosen on the
  validation beats inside the folds' training parts:

    python -m experiments.ecg_rnn crossval --config.data.source=ecg5000_train.txt.gz
    --config.data.folds=5 --config.features=32 --config.hidden=0 --config.dropout=0.3
    --config.learning_rate=1e-2 --config.class_weight=0.5 --config.batch_size=28
    --config.num_epochs=40 --config.select=last --config.validate_epochs=40

  All test beats pooled: accuracy 0.936 (0.911 to 0.954), macro F1 0.602 (0.527 to 0.661), 82 s. F1
  by class 0.98, 0.94, 0.75, 0.34 and 0.00: two beats of the last class cannot be learned from. The
  nearest neighbour (scikit-learn's KNeighborsClassifier, one neighbour, samples as they are) has
  .942 and .601 on these folds, so that nothing is won here by a network. On
  validation, the mean over places was better than attention or the last state (F1 .66, .53, .58),
  weights of the classes helped (.73), and five networks did not (.62 with weights, .76 for one).

  Record 100 of MIT-BIH, N against S (2,237 and 33 beats), folds of minutes of the one patient
  (--config.data.patients=ignore), which says nothing of other patients:

    python -m experiments.ecg_rnn crossval --config.data.source=100.hea --config.data.folds=5
    --config.data.patients=ignore --config.data.keep=N,S --config.data.rate=125
    --config.num_epochs=30 --config.class_weight=0.5

  AUROC 0.999 (over folds, 0.997 to 1), average precision 0.953 (0.889 to 1), about 2 min. The
  setting, the second of two, was chosen when beats were drawn one by one, so that most test beats
  shared samples with training beats; it was not changed for the folds of minutes.

--config.frame samples are read at a step: one step takes the longest part of the time, whatever its
width, so that larger frames train faster; bench --config.frame=N says how fast.
"""

import dataclasses
import functools
from typing import Literal

import optax

import medjax
from medjax import models, tasks
from medjax.config import setting
from medjax.data import signals
from medjax.data.simulate import heartbeat


@dataclasses.dataclass
class Config(medjax.ClassSettings, medjax.Config):
  """Settings of this experiment."""

  data: signals.Config = dataclasses.field(default_factory=signals.Config)
  cell: Literal['lstm', 'gru'] = setting('gru', 'What carries the state from step to step.')
  features: int = setting(64, 'Units of each layer, in each direction.', low=1)
  layers: int = setting(1, 'Recurrent layers.', low=1)
  bidirectional: bool = setting(True, 'Whether layers also read from the end.')
  frame: int = setting(4, 'Samples that a step reads at once.', low=1)
  pool: Literal['last', 'mean', 'attention'] = setting('mean', 'How steps become one.')
  hidden: int = setting(64, 'Units of the dense layer; 0 for none.', low=0)
  members: int = setting(1, 'Networks that are trained at once and predict by their mean.', low=1)
  dropout: float = setting(0.2, 'Dropout rate.', low=0.0, high=0.95)
  weight_decay: float = setting(1e-3, 'Decoupled weight decay.', low=0.0)
  learning_rate: float = setting(5e-3, 'Largest step size, after a tenth of the updates.', low=0.0)
  class_weight: float = setting(
    0.0, 'From 0, where examples weigh the same, to 1, where classes do.', low=0.0, high=1.0
  )
  batch_size: int = setting(64, 'Examples an update, over all devices and hosts.', low=1)
  num_epochs: int = setting(10, 'Passes over the training examples.', low=1)


def build(config: Config) -> medjax.Experiment:
  data = signals.load(config.data, simulator=heartbeat.simulate, classes=heartbeat.CLASSES)
  weights: tuple[float, ...] = ()
  if config.class_weight and 'train' in data.splits:
    label = data.splits['train'].label
    weights = tasks.class_weights(label, len(data.classes), config.class_weight)
  task = tasks.classification(data.classes, weights)
  count = data.examples('train')
  steps = config.num_epochs * -(-count // config.batch_size)
  rate = optax.warmup_cosine_decay_schedule(0.0, config.learning_rate, steps // 10, steps)
  network = functools.partial(
    models.Recurrent,
    cell=config.cell,
    features=config.features,
    layers=config.layers,
    bidirectional=config.bidirectional,
    pool=config.pool,
    frame=config.frame,
    hidden=config.hidden,
    outputs=task.outputs,
    dropout=config.dropout,
  )
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
