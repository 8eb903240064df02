"""The molecules that a run was trained on, read again from where it had them."""

from collections.abc import Callable
from typing import Any

from medjax.data import dataset
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.workdir import Workdir


def molecules(
  config: Any, build: Callable[[Any], Experiment], workdir: Workdir
) -> tuple[list[str] | None, str]:
  """SMILES of the training molecules, or None and why they are not known.

  Args:
    config: settings of the run.
    build: makes the experiment of settings.
    workdir: the run folder.
  """
  try:
    data = build(config).data
  except UserError as error:
    return None, f"the run's data cannot be read again: {error}"
  if data.fingerprint != dataset.describe(workdir)['fingerprint']:
    return None, f'{config.data.source} has changed since the run began'
  return list(data.splits['train'].metadata['smiles']), ''
