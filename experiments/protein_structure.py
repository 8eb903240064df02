"""Secondary structure of proteins: helix, strand or coil at each residue, from sequence alone.

Default: 2,000 simulated chains of 60 to 192 residues (medjax.data.simulate.chains).

    python -m experiments.protein_structure

test Q3, the share of residues that are right, is 0.693 (95% interval over chains 0.681 to 0.703)
after 72 s. With the true model's posterior (chains.posterior), which nothing can beat on average,
it is 0.712 (0.701 to 0.723) on the same 301 chains. (Seed 0, one run each; 2 cores of an AMD EPYC
with AVX-512 that other programs used as well, jax 0.10.2, float32, like all that follows.)

    python -m experiments.protein_structure predict new.fasta --workdir=RUN

writes states and a digit of confidence for each residue, and draws the chains.

On proteins, the set of FLIP (Dallago et al. 2021; chains and states of NetSurfP-2.0, Klausen et al.
2019): 9,712 chains to train, 1,080 to validate, 364 to test, files of residues, states and mask:

    --config.data.source=sequences.fasta --config.data.labels=sampled.fasta
    --config.data.mask=mask.fasta --config.data.allow_group_overlap=true --config.features=128
    --config.hidden=128 --config.dilations=1,2,4,8,1,2,4,8 --config.dropout=0.2
    --config.num_epochs=6 --config.members=3

  Q3 0.723 (0.713 to 0.732), segment overlap (SOV'99) 0.669 (0.657 to 0.682), 45 min while other
  programs ran; on validation 0.729. One network with --config.dropout=0.1 and five epochs had 0.726
  there, and 0.720 on test; its convolutions had biases, which were left out since, as normalisation
  cancels them, so that this one cannot be repeated to the last digit. Residues without a state
  count for nothing. 16 groups of near copies are in training and in validation, none in test.

Networks on one-hot residues without profiles reach .69 to .75 on other test sets (Rao et al. 2019;
Heffernan et al. 2018, about .72). Profiles of homologs or language models give .80 and more.

References:
  Dallago et al. (2021), FLIP: benchmark tasks in fitness landscape inference for proteins, NeurIPS.
  Klausen et al. (2019), NetSurfP-2.0, Proteins 87:520-527.
  Rao et al. (2019), Evaluating protein transfer learning with TAPE, NeurIPS.
  Heffernan et al. (2018), Single-sequence-based prediction of protein secondary structures and
    solvent accessibility by deep whole-sequence learning, J. Computational Chemistry 39:2210-2216.
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
