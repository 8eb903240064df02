"""Regulatory sites in DNA or RNA: a convolutional network on sequences.

Default: simulated sequences of 200 bases. Positive ones hold an element of two motifs, M1 and then
M2 within 10 to 20 bases, on either strand; negative ones are shuffled, or have one motif, another
distance or another order, so that counting motifs is not enough (medjax.data.simulate.motifs).

    python -m experiments.genome_regulation

trains it on 10,000 of them: test AUROC 0.943 (DeLong 95% interval 0.933 to 0.954), 79 s (seed 0; 2
cores of an AMD EPYC with AVX-512, jax 0.10.2, float32, like all that follows). It learns in two
steps, first the motifs (.72, after three epochs) and then their order and distance.

    python -m experiments.genome_regulation motifs --workdir=RUN
    python -m experiments.genome_regulation explain --grade --method=all --workdir=RUN
    python -m experiments.genome_regulation predict new.fa --variants=changes.vcf --workdir=RUN

The first finds what is planted: motifs gathered from the in-silico mutagenesis of 200 elements, or
filters, correlate with M1 by 1.000 and with M2 by 0.998, and with M3, which means nothing, by
0.535. Of the second, on 32 elements that it called rightly, the largest value lies on a planted
site or within three bases of it in all cases by Integrated Gradients, KernelSHAP, LIME, occlusion
and saliency (95% interval of each 0.893 to 1.000) and in 0.969 by mutagenesis (0.843 to 0.994);
with shuffled weights in 0.062 to 0.188, at the best fixed place in 0.125.

On real sequences, one run each (--config.seed=0), with settings chosen on validation:

  Binding sites of RNA-binding proteins, 101 bases (Strazar et al. 2016; 30,000 sequences to train,
  10,000 to test; --config.data.source=qki_train.fa.gz --config.data.test=qki_test.fa.gz, likewise
  hnrnpc), with

    --config.data.label_pattern='class:([01])' --config.data.allow_group_overlap=true
    --config.strands=one --config.features=64 --config.width=4 --config.blocks=2 --config.reach=7
    --config.activation=relu --config.dropout=0.3 --config.learning_rate=2e-3
    --config.batch_size=128 --config.num_epochs=6

  hnRNPC 0.974 (0.971 to 0.978), 44 s. QKI 0.963 (0.956 to 0.970), 54 s, and 0.966 (0.959 to 0.972)
  with --config.members=5, 177 s. Logistic regression on words of four letters has .939 and .941 on
  these splits. Validation had .976, .964 and .966; one other setting (kernels of 8, width 2,
  dropout 0.4, 8 epochs) had .966 and .964 there, and .962 and .961 on test. About 105 groups of
  near copies are in training and test, as the sets were given; intervals are over groups.

  Promoters (Umarov and Solovyev 2017), one file a class, five folds:

    python -m experiments.genome_regulation crossval --config.data.source=NEGATIVE,POSITIVE
    --config.data.folds=5 --config.strands=one --config.features=64 --config.pool=places
    --config.width=2 --config.reach=7 --config.activation=relu --config.dropout=0.5
    --config.learning_rate=1e-3

  Mouse TATA (4,785 sequences of 251 bases): 0.992 (0.987 to 0.997). E. coli (3,839 of 81 bases)
  with --config.words=5 --config.members=5: 0.972 (0.961 to 0.983) in 4 min, and 0.975 (0.966 to
  0.984) where only identical sequences are kept in one fold (--config.data.similar=identical).
  Without the words 0.967 (0.955 to 0.979), with one network 0.961 (0.949 to 0.973). The words were
  chosen on validation: the mean over five folds of three networks, identical sequences in one fold,
  was .971 without and .974, .976 and .977 with words of 3, 4 and 5 letters; as validation cases of
  a fold are test cases of another, that flatters them a little. Logistic regression on words of
  four letters has .892 (mouse) and .958 (E. coli).

Near copies never straddle a split that is drawn here. --config.strands=one is for sequences whose
strand means something, as in RNA; otherwise training draws a strand and predictions average both.
--config.pool=places is for sequences that are aligned to something, such as a start of
transcription.
"""

import dataclasses
import functools
from typing import Literal

import optax

import medjax
from medjax import models, tasks
from medjax.config import setting
from medjax.data import sequences
from medjax.data.sequences import alphabet, strands
from medjax.data.simulate import motifs
from medjax.errors import UserError


@dataclasses.dataclass
class Config(medjax.ExplanationSettings, medjax.ClassSettings, medjax.Config):
  """Settings of this experiment."""

  data: sequences.Config = dataclasses.field(default_factory=sequences.Config)
  features: int = setting(32, 'Filters of each layer.', low=1)
  kernel: int = setting(11, 'Letters that a filter of the first layer sees.', low=1)
  activation: Literal['relu', 'exponential'] = setting('exponential', 'Of the first layer.')
  width: int = setting(1, 'Neighbouring letters of which the strongest match counts.', low=1)
  blocks: int = setting(1, 'Convolutions after the first.', low=0)
  reach: int = setting(25, 'Places that a filter of a block sees.', low=1)
  pool: Literal['anywhere', 'places'] = setting('anywhere', 'How places are pooled.')
  words: int = setting(
    0, 'Letters of words that are counted beside the filters, or 0.', low=0, high=6
  )
  strands: Literal['one', 'both'] = setting(
    'both', 'Whether a sequence and its reverse complement mean the same, as in much of DNA.'
  )
  members: int = setting(1, 'Networks that are trained at once and predict by their mean.', low=1)
  dropout: float = setting(0.1, 'Dropout rate before the dense layers.', low=0.0, high=0.95)
  weight_decay: float = setting(1e-3, 'Decoupled weight decay.', low=0.0)
  learning_rate: float = setting(5e-3, 'Largest step size, after a tenth of the updates.', low=0.0)
  batch_size: int = setting(64, 'Examples an update, over all devices and hosts.', low=1)
  num_epochs: int = setting(15, 'Passes over the training examples.', low=1)

  def validate(self) -> None:
    """A site is of a class; see protein_function for numbers and several classes."""
    super().validate()
    if self.data.labels != 'classes':
      raise UserError(f'config.data.labels={self.data.labels}: expected classes here')


def build(config: Config) -> medjax.Experiment:
  both = config.strands == 'both'
  # Near copies are looked for on the strands that mean the same.
  source = dataclasses.replace(config.data, both_strands=both or config.data.both_strands)
  data = sequences.load(
    source,
    simulator=motifs.simulate,
    classes=('background', 'element'),
    motifs=motifs.PWMS,
  )
  task = tasks.classification(data.classes)
  letters = alphabet.ALPHABETS[data.details['alphabet']]
  complement = tuple(letters.letter_complement.tolist()) if both else ()
  count = data.examples('train')
  steps = config.num_epochs * -(-count // config.batch_size)
  rate = optax.warmup_cosine_decay_schedule(0.0, config.learning_rate, steps // 10, steps)
  network = functools.partial(
    models.SequenceCNN,
    features=config.features,
    kernel=config.kernel,
    activation=config.activation,
    width=config.width,
    blocks=config.blocks,
    reach=config.reach,
    pool=config.pool,
    words=config.words,
    outputs=task.outputs,
    dropout=config.dropout,
    complement=complement,
  )
  return medjax.Experiment(
    data=data,
    model=network() if config.members == 1 else models.Ensemble(network, config.members),
    task=task,
    optimizer=optax.chain(
      optax.clip_by_global_norm(1.0), optax.adamw(rate, weight_decay=config.weight_decay)
    ),
    augment=strands.RandomStrand(complement) if both else None,
  )


if __name__ == '__main__':
  medjax.main(Config(), build)
