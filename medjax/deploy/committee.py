"""The runs of a cross-validation, which predict new cases together.

Every run reads a case as it was trained to, with its own scales of columns, and calibrates what it
predicts; the mean over runs is the prediction of all. How that becomes a decision is fitted to the
out-of-fold predictions: of every case what the runs say that were not trained on it (means over
repeats and seeds). The runs of all folds together are somewhat better than each, so that figures
and sets err on the safe side; sets of such cross-conformal prediction hold the truth about as often
as promised, with a guarantee of twice the error.

Source:
  Vovk (2015), Cross-conformal predictors, Annals of Mathematics and Artificial Intelligence
  74:9-28; Barber, Candes, Ramdas and Tibshirani (2021), Predictive inference with the jackknife+,
  Annals of Statistics 49:486-507.
"""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medjax.config import Config
from medjax.data import ragged
from medjax.data.domain import Domain
from medjax.data.modality import Case
from medjax.deploy import files
from medjax.deploy.predictor import Predictor
from medjax.experiment import Experiment
from medjax.outcomes import Row
from medjax.runtime import Devices
from medjax.workdir import Workdir


@dataclasses.dataclass(frozen=True)
class Member:
  """One run among several.

  Attributes:
    experiment: described, without its examples.
    config: its settings.
    workdir: its folder.
  """

  experiment: Experiment
  config: Config
  workdir: Workdir


def predict_files(
  members: Sequence[Member],
  decision: Any,
  devices: Devices,
  names: Sequence[str],
  output: pathlib.Path,
) -> list[Row]:
  """Writes a CSV with a row for each case, as ``files.predict_files`` does of one run.

  ``spread`` is the standard deviation over the runs.

  Args:
    members: evaluated runs of one study.
    decision: how the mean of what they predict becomes a decision.
    devices: devices of this host.
    names: files and folders.
    output: the CSV to write.

  Raises:
    UserError: nothing was found, a run was not evaluated, or the CSV cannot be written.
  """
  first = members[0].experiment
  return files.write(
    first, Readers(members), lambda: Committee(members, decision, devices), names, output
  )


class Readers:
  """Opens each case once for every run."""

  axes: ragged.Axes = {}  # noqa: RUF012 - arrays are those of several runs

  def __init__(self, members: Sequence[Member]):
    self._modalities = [member.experiment.data.modality for member in members]
    self.cases = self._modalities[0].cases
    domains = [modality.domain for modality in self._modalities]
    found = [domain for domain in domains if domain is not None]
    self.domain: Domain | None = _Domains(found) if len(found) == len(domains) else None

  def open(self, names: Sequence[str]) -> Sequence[Case]:
    """The cases; ``load`` gives the arrays of each run by its number."""
    opened = [modality.open(names) for modality in self._modalities]
    return [_of_all(of_runs) for of_runs in zip(*opened, strict=True)]

  @property
  def json_schema(self) -> Mapping[str, Any] | None:
    """See ``Modality``."""
    return self._modalities[0].json_schema

  def open_json(self, values: Sequence[Any]) -> Sequence[Case]:
    """As ``open``, of cases that are written in JSON."""
    opened = [modality.open_json(values) for modality in self._modalities]
    return [_of_all(of_runs) for of_runs in zip(*opened, strict=True)]


class _Domains:
  """The domains of several runs: a case is inside where it is so for more than half of them."""

  def __init__(self, domains: Sequence[Domain]):
    self._domains = domains
    self.columns = domains[0].columns
    self.about = f'by most of {len(domains)} runs; in the first one: {domains[0].about}'

  def place(self, arrays: Mapping[str, Any]) -> tuple[dict[str, str], bool]:
    """See ``Domain``; the cells are those of the first run that says what most do."""
    placed = [domain.place(arrays[str(i)]) for i, domain in enumerate(self._domains)]
    inside = sum(one for _, one in placed) * 2 > len(placed)
    return next(cells for cells, one in placed if one == inside), inside


def _of_all(of_runs: Sequence[Case]) -> Case:
  def load() -> dict[str, Any]:
    return {str(number): case.load() for number, case in enumerate(of_runs)}

  return dataclasses.replace(of_runs[0], load=load, restore=None)


class Committee(Predictor):
  """The mean of what runs predict."""

  def __init__(self, members: Sequence[Member], decision: Any, devices: Devices):
    first = members[0]
    self._outcome, self._classes = first.experiment.task.outcome, first.experiment.data.classes
    self.decision, self.step = decision, decision.checkpoint_step
    self.at_once, self.members = first.config.batch_size, True
    self._runs = [
      Predictor.of_run(one.experiment, one.config, one.workdir, devices, self.at_once)
      for one in members
    ]

  def narrow(self, probe: Sequence[dict[str, Any]]) -> None:
    """See ``Predictor``; each run by itself."""
    for number, run in enumerate(self._runs):
      run.narrow([of_case[str(number)] for of_case in probe])

  def predict(self, arrays: Sequence[dict[str, Any]]) -> tuple[Any, np.ndarray | None]:
    """See ``Predictor``; of each case the arrays by number of the run."""
    shown = []
    for number, run in enumerate(self._runs):
      predicted, _ = run.predict([of_case[str(number)] for of_case in arrays])
      shown.append(next(iter(run.decision.told(predicted, self._classes).values())))
    values = [self._outcome.calls(self.decision, one)[1] for one in shown]
    return np.mean(shown, axis=0), np.std(values, axis=0, ddof=min(1, len(values) - 1))
