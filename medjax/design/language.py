"""The language model of a finished run, ready to write molecules."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from medjax.data.smiles import Vocabulary, reading
from medjax.data.smiles.tokens import END
from medjax.design import sampler
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.models import LanguageModel
from medjax.training import evaluate
from medjax.workdir import Workdir


@dataclasses.dataclass(frozen=True)
class Drawn:
  """N attempts at a molecule.

  Attributes:
    tokens: as they were drawn, int32 [N, L], 0 after the end.
    log_likelihood: of each under the model, float64 [N] in nats.
    text: as they were written.
    smiles: canonical; '' where an attempt is no molecule.
  """

  tokens: np.ndarray
  log_likelihood: np.ndarray
  text: Sequence[str]
  smiles: Sequence[str]


@dataclasses.dataclass(frozen=True)
class Language:
  """A language of molecules.

  Attributes:
    model: the network.
    variables: of it.
    vocabulary: its tokens.
    longest: tokens of an attempt, at most: a quarter more than the longest training molecule has.
    stereo: whether stereochemistry is written.
  """

  model: LanguageModel
  variables: Any
  vocabulary: Vocabulary
  longest: int
  stereo: bool

  @classmethod
  def of_run(cls, what: str, experiment: Experiment, workdir: Workdir) -> 'Language':
    """That of the checkpoint that was evaluated.

    Args:
      what: who asks, for errors.
      experiment: of the run; examples need not be there.
      workdir: its folder.

    Raises:
      UserError: it is no language model of molecules, or it was not trained.
    """
    vocabulary = experiment.data.modality.vocabulary(what)
    model: Any = experiment.model
    if not (hasattr(model, 'next') and hasattr(model, 'start')):
      raise UserError(f'{what} molecules, and the network of this run gives no next token')
    variables, _ = evaluate.chosen_variables(experiment, workdir)
    longest = experiment.data.example['tokens'].shape[0] * 5 // 4
    stereo = experiment.data.details['stereo'] == 'keep'
    return cls(model, variables, vocabulary, longest, stereo)

  def draw(self, number: int, seed: int, temperature: float = 1.0) -> Drawn:
    """Attempts at molecules; see ``sampler.sample``."""
    drawn = sampler.sample(self.model, self.variables, self.longest, number, seed, temperature)
    parts, totals = zip(*drawn, strict=True)
    return self.read(np.concatenate(parts), np.concatenate(totals))

  def read(self, tokens: np.ndarray, log_likelihood: np.ndarray) -> Drawn:
    """Which molecules tokens are; without an end they are none."""
    text = [self.vocabulary.spell(row) for row in tokens]
    ended = (tokens == END).any(axis=1)
    found = reading.canonical(text, stereo=self.stereo)
    smiles = [one if end else '' for (one, _), end in zip(found, ended, strict=True)]
    return Drawn(tokens, log_likelihood.astype(np.float64), text, smiles)
