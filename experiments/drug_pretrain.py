"""Pretraining on molecules without labels: which element an atom is that is not shown.

Molecules that nobody has measured are many where measured ones are few. The network that comes out
is a start for drug_activity with the same network, width and depth.

Data: a simulated assay, whose labels are not looked at, or your own table, .smi or .sdf file.
Source: Hu, W. et al. (2020), Strategies for pre-training graph neural networks, ICLR.

    python -m experiments.drug_pretrain --config.data.source=library.smi.gz --workdir=START
    python -m experiments.drug_activity --config.data.source=my.csv --config.network=dmpnn \
        --config.model.weights=START

On four sets of MoleculeNet it did not help: see experiments/README.md.
"""

import dataclasses
from typing import Literal

import medjax
from medjax import models, optimizers, tasks
from medjax.config import setting
from medjax.data import molecules
from medjax.data.molecules import atoms
from medjax.data.simulate import assay


@dataclasses.dataclass
class Data(molecules.Config):
  """Which molecules; their labels are not looked at."""

  labels: Literal['auto', 'classes', 'numbers', 'none'] = setting(
    'none', 'Labels are not read; otherwise they have to be as other experiments want them.'
  )


@dataclasses.dataclass
class Config(medjax.Config):
  """Settings of this experiment."""

  data: Data = dataclasses.field(default_factory=Data)
  optimizer: optimizers.Settings = dataclasses.field(
    default_factory=lambda: optimizers.Settings('cosine', warmup_epochs=0.5)
  )
  network: Literal['dmpnn', 'gine'] = setting('dmpnn', 'The network that is a start for others.')
  hidden: int = setting(300, 'Units of atoms and bonds.', low=1)
  depth: int = setting(3, 'Rounds of messages and one (dmpnn), or layers (gine).', low=1, high=20)
  share: float = setting(0.15, 'Share of the atoms that are masked.', low=0.01, high=0.9)
  batch_size: int = setting(64, 'Molecules an update, over all devices and hosts.', low=1)
  num_epochs: int = setting(10, 'Passes over the training molecules.', low=1)
  precision: Literal['auto', 'float32', 'bfloat16'] = setting('float32', 'Compute type.')


_NETWORKS = {'dmpnn': models.DMPNN, 'gine': models.GINE}


def build(config: Config) -> medjax.Experiment:
  data = molecules.load(config.data, simulator=assay.simulate, graph=True)
  encoder = _NETWORKS[config.network](config.hidden, config.depth, pool='none')
  typical = config.share * data.details['mean_atoms']
  return medjax.Experiment(
    data=data,
    model=models.MaskedAtoms(encoder, atoms.ELEMENTS, config.share),
    task=tasks.AtomNaming(atoms.ELEMENTS, typical, config.hidden),
    optimizer=config.optimizer.adam(config, data.examples('train')),
  )


if __name__ == '__main__':
  medjax.main(Config(), build)
