"""Secondary structure of proteins: helix, strand or coil at each residue, from sequence alone.

Data: 2,000 simulated chains of 60 to 192 residues (medjax.data.simulate.chains).
Result: test Q3, the share of residues that are right, 0.693 (95% interval over chains 0.681 to
0.703), with seed 0; the true model's posterior has 0.712 (0.701 to 0.723).
Time: 72 s on 2 cores of an AMD EPYC with AVX-512 that other programs used as well.

    python -m experiments.protein_structure
    python -m experiments.protein_structure predict new.fasta --workdir=RUN

Results and commands for proteins (FLIP, Dallago et al. 2021): see experiments/README.md.
"""

import dataclasses

import optax

import medjax
from medjax import models, tasks
from medjax.config import setting
from medjax.data import residues
from medjax.data.simulate import chains


@dataclasses.dataclass
class Config(medjax.Config):
  """Settings of this experiment."""

  data: residues.Config = dataclasses.field(default_factory=residues.Config)
  features: int = setting(64, 'Channels of each layer.', low=1)
  first: int = setting(15, 'Residues that the first convolution sees.', low=1)
  kernel: int = setting(5, 'Residues that a filter of a block sees.', low=1)
  dilations: tuple[int, ...] = setting((1, 2, 4), 'Distance between them, of each block.')
  hidden: int = setting(64, 'Units of the dense layer at each residue.', low=1)
  dropout: float = setting(0.1, 'Dropout rate.', low=0.0, high=0.95)
  weight_decay: float = setting(1e-2, 'Decoupled weight decay.', low=0.0)
  learning_rate: float = setting(2e-3, 'Largest step size, after a tenth of the updates.', low=0.0)
  batch_size: int = setting(32, 'Chains an update, over all devices and hosts.', low=1)
  num_epochs: int = setting(6, 'Passes over the training chains.', low=1)
  members: int = setting(1, 'Networks that are trained at once and predict by their mean.', low=1)


def build(config: Config) -> medjax.Experiment:
  data = residues.load(config.data, simulator=chains.simulate)
  count = data.examples('train')
  task = tasks.PerPosition(len(data.classes), typical=data.details['positions'] / count)
  steps = config.num_epochs * -(-count // config.batch_size)
  rate = optax.warmup_cosine_decay_schedule(0.0, config.learning_rate, steps // 10, steps)

  def network(name: str | None = None) -> models.DilatedCNN:
    return models.DilatedCNN(
      features=config.features,
      first=config.first,
      kernel=config.kernel,
      dilations=tuple(config.dilations),
      hidden=config.hidden,
      outputs=task.outputs,
      dropout=config.dropout,
      name=name,
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
