"""What changes of letters do to a prediction: ``predict FILES --variants=FILE``."""

import functools
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from medjax.config import Config
from medjax.data.quote import short
from medjax.data.sequences import fasta
from medjax.data.sequences import variants as lists
from medjax.data.sequences.encoder import Encoder
from medjax.data.sequences.variants import Variant
from medjax.deploy.trained import Trained
from medjax.errors import UserError
from medjax.evaluation import csv_cells
from medjax.experiment import Experiment
from medjax.explain.score import scores
from medjax.workdir import Workdir

_AT_ONCE = 64  # sequences in memory, two of a variant
_PLACE = ('variant', 'sequence', 'position', 'ref', 'alt')


def predict_variants(
  experiment: Experiment,
  config: Config,
  workdir: Workdir,
  names: Sequence[str],
  listed: pathlib.Path,
  output: pathlib.Path,
) -> list[dict[str, str]]:
  """Predicts every variant's sequence without and with its change, and writes a CSV.

  A sequence that is longer than those that the network was trained on, such as a chromosome, is cut
  to their length around the variant; not where the network sees the ends or chosen places of it: a
  change elsewhere is an error then. An insertion or deletion moves what comes after it.

  Args:
    experiment: data description, model and task of the run.
    config: settings of the run.
    workdir: the run folder.
    names: FASTA files that hold the sequences.
    listed: VCF file or table; see ``data.sequences.variants``.
    output: the CSV to write.

  Returns:
    A row for each variant: variant, sequence, position, ref, alt; call (the class of the sequence
    without the change; of two classes always the positive one), probability_ref and probability_alt
    of that class, calibrated, or prediction_ref and prediction_alt; effect, the change of its logit
    or of the number; error.

  Raises:
    UserError: the data are no sequences, a file cannot be read, or two sequences have one name.
    OSError: the CSV cannot be written.
  """
  encode = experiment.data.modality.encoder('--variants: changes')
  listed_variants = lists.read(listed)
  entries = _sequences(names)
  scorer = _Scorer(experiment, config, workdir, encode)
  rows: list[dict[str, str]] = []
  output.parent.mkdir(parents=True, exist_ok=True)
  with open(output, 'w', newline='', encoding='utf-8') as file:
    writer = csv_cells.Writer(file, scorer.columns)
    for start in range(0, len(listed_variants), _AT_ONCE // 2):
      done = scorer.rows(listed_variants[start : start + _AT_ONCE // 2], entries)
      writer.rows(done)
      file.flush()
      rows += done
  failed = sum(bool(row['error']) for row in rows)
  print(f'{len(rows) - failed} variants predicted, {failed} could not be')
  largest = sorted((row for row in rows if row['effect']), key=lambda r: -abs(float(r['effect'])))
  for row in largest[:10]:
    print(f'  {short(row["variant"])}: effect {float(row["effect"]):+.3f}')
  print(f'variants: {output}')
  return rows


def _sequences(names: Sequence[str]) -> dict[str, str]:
  """The sequences of all files by their names, of which variants choose."""
  entries: dict[str, fasta.Entry] = {}
  for name in names:
    for entry in fasta.read(pathlib.Path(name)):
      other = entries.setdefault(entry.own_id, entry)
      if other is not entry:
        raise UserError(
          f'{entry.where}: {short(entry.own_id)} is also the name of {other.where}; expected each '
          'name once, so that a variant says its sequence'
        )
  return {id: entry.sequence for id, entry in entries.items()}


class _Scorer:
  """A run, and what it says of variants."""

  def __init__(self, experiment: Experiment, config: Config, workdir: Workdir, encode: Encoder):
    self._data, self._outcome = experiment.data, experiment.task.outcome
    self._encode = encode
    self._trained = Trained('--variants', experiment, config, workdir, _AT_ONCE)
    self._score = functools.partial(scores, self._trained.score)
    *self._called, number = self._outcome.call_columns
    self._pair = (f'{number}_ref', f'{number}_alt')
    self.columns = [*_PLACE, *self._called, *self._pair, 'effect', 'error']

  def rows(self, listed: Sequence[Variant], entries: dict[str, str]) -> list[dict[str, str]]:
    """A row for each variant."""
    rows = []
    tokens: list[np.ndarray] = []
    good: list[int] = []
    for number, variant in enumerate(listed):
      cells: dict[str, Any] = dict.fromkeys(self.columns, '')
      cells |= {'variant': variant.name, 'sequence': variant.sequence, 'ref': variant.ref}
      cells |= {'alt': variant.alt, 'position': str(variant.position or '')}
      try:
        tokens += self._tokens(variant, entries)
        good.append(number)
      except UserError as error:
        cells['error'] = str(error)
      rows.append(cells)
    if not good:
      return rows
    batch = {'tokens': np.stack(tokens)}
    predicted = self._trained.predict(batch)
    calls, shares = self._trained.calls(predicted)
    # Of both alleles the class that the first one is called.
    target = np.repeat(self._outcome.followed(calls[::2], self._data.classes), 2)
    inputs = np.asarray(self._data.modality.inputs(batch))
    score = np.asarray(self._score(inputs, target), np.float64)
    shown = shares[np.arange(len(target)), target]
    for i, number in enumerate(good):
      one, other = 2 * i, 2 * i + 1
      if not np.isfinite(score[[one, other]]).all():
        rows[number]['error'] = 'the network gives no number for this variant'
        continue
      pair = (repr(float(shown[one])), repr(float(shown[other])))
      rows[number] |= dict(zip(self._pair, pair, strict=True))
      rows[number]['effect'] = f'{score[other] - score[one]:.6g}'
      cells = self._outcome.call_cells(int(target[one]), shares[one], self._data.classes)
      rows[number] |= {column: cells[column] for column in self._called}
    return rows

  def _tokens(self, variant: Variant, entries: dict[str, str]) -> list[np.ndarray]:
    """Of the sequence without and with the change."""
    if variant.problem:
      raise UserError(f'{variant.where}: {variant.problem}')
    if variant.sequence not in entries:
      raise UserError(
        f'{variant.where}: there is no sequence {short(variant.sequence)!r} in the files'
      )
    sequence = entries[variant.sequence]
    # Where the network sees chosen places of the whole sequence, it is not cut around the change.
    whole = self._encode.keep == 'ends' or bool(self._encode.places)
    length = len(sequence) + len(variant.alt) if whole else self._encode.length
    letters = self._encode.letters
    pair = variant.apply(sequence, length, letters)
    one, other = (self._encode(text, variant.where)['tokens'] for text in pair)
    changes = letters.spelled(variant.ref) != letters.spelled(variant.alt)
    if changes and np.array_equal(one, other):
      raise UserError(f'{variant.where}: the network does not see this place')
    return [one, other]
