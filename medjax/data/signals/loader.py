"""Signals as examples, one heartbeat each: WFDB records, tables in UCR's form, or simulated.

A record is taken for a patient, whose beats are never on two sides of a split. In MIT-BIH, records
201 and 202 are of one man: give them in the same place. Leads are normalised over the whole record;
samples of a table are taken as they are.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from medjax.data import dataset, examples, labels, settings, simulation
from medjax.data.examples import Examples
from medjax.data.signals import files
from medjax.data.signals.config import Config
from medjax.data.signals.files import Beat
from medjax.data.signals.modality import Signals
from medjax.errors import UserError

_SIMULATED_RATE = 125.0


def load(
  config: Config,
  *,
  simulator: Callable[..., Any] | None = None,
  classes: tuple[str, ...] = ('0', '1'),
) -> dataset.Dataset:
  """The beats that ``config.source`` names, as inputs [samples, leads].

  Args:
    config: the source and how to read it.
    simulator: (seed, index, rate, before, after) -> a dataclass with ``signal`` [samples, leads],
      ``label``, ``mask`` (bool [samples]), ``patient`` and scalars, which become metadata; stands
      behind 'simulated'.
    classes: names of the simulator's labels.

  Raises:
    UserError: one line that names the file and the row, and what was expected.

  Example:
    >>> data = load(Config(source='mitdb/', keep=('N', 'V')))  # doctest: +SKIP
  """

  def read() -> dataset.Dataset:
    if config.source != 'simulated':
      name = settings.file_names(config.source)
      return _made(config, name, *files.read(config), known=None)
    simulate = simulation.require(simulator, 'simulates no signals')
    rate = config.rate or _SIMULATED_RATE
    beats, masks = _simulated(config, simulate, classes, rate)
    details = files.details(config, 'record', (), rate)
    data = _made(config, simulation.name(simulate), beats, details, [], known=classes)
    return simulation.with_truth(data, lambda index: masks[index])

  return examples.load(config, lambda details: Signals(details, details['length']), read)


def _made(
  config: Config,
  name: str,
  beats: list[Beat],
  details: dict[str, Any],
  notes: list[str],
  *,
  known: tuple[str, ...] | None,
) -> dataset.Dataset:
  """The data set of these beats; ``known`` are the names of simulated classes."""
  if config.keep:
    beats, new_notes = _kept(config.keep, beats)
    notes += new_notes
  texts = [beat.label for beat in beats]
  names = known or labels.class_names(texts, config.positive, name, joined=config.joined_names)
  groups = [beat.patient for beat in beats]
  if config.patients == 'ignore':
    # Windows of neighbouring beats share samples, so that they stay together by the minute.
    groups = [f'{beat.patient} minute {beat.minute}' for beat in beats]
    patients = len({beat.patient for beat in beats})
    notes.append(
      f'PATIENTS IGNORED: minutes of {patients} patients are split, so that results hold for '
      'further beats of these patients and not for others; beats at the edges of a minute may '
      'share samples with the next'
    )
  given = [beat.split for beat in beats]
  if details['form'] == 'record' and not config.external:
    _require_patients(config, groups, given)
  read = Examples(
    name,
    [beat.id for beat in beats],
    texts,
    groups,
    given,
    [beat.metadata for beat in beats],
    names,
    origin='the files',
    simulated=known is not None,
    notes=tuple(notes),
  ).with_splits(config)
  signal = np.stack([beat.signal for beat in beats])
  details['length'] = signal.shape[1]
  return read.to_dataset(
    {'signal': signal},
    labels.encode(texts, names),
    Signals(details, signal.shape[1]),
    details=details,
  )


def _simulated(
  config: Config, simulator: Callable[..., Any], classes: tuple[str, ...], rate: float
) -> tuple[list[Beat], np.ndarray]:
  """Beats, normalised by patient as records are, and masks of what makes them abnormal."""
  cases = [
    simulator(config.seed, index, rate, config.before, config.after)
    for index in range(config.simulated)
  ]
  signal = np.stack([case.signal for case in cases])
  patients = np.array([case.patient for case in cases])
  for patient in np.unique(patients):
    of = patients == patient
    signal[of] = (signal[of] - np.median(signal[of])) / signal[of].std()
  beats = []
  for index, case in enumerate(cases):
    scalars = {'index': str(index), **simulation.scalars(case, ('label', 'patient'), _spell)}
    name, label = f'simulated-{index:06d}', classes[case.label]
    beats.append(Beat(name, signal[index], label, case.patient, '', scalars, index))
  return beats, np.stack([case.mask for case in cases])


def _spell(value: Any) -> str:
  return f'{value:.3f}' if isinstance(value, float) else str(value)


def _kept(keep: Sequence[str], beats: Sequence[Beat]) -> tuple[list[Beat], list[str]]:
  """Beats of these classes, and how many there are of others."""
  names = sorted({beat.label for beat in beats})
  for name in keep:
    if name not in names:
      raise UserError(f'config.data.keep={name}: expected some of {", ".join(names)}')
  kept = [beat for beat in beats if beat.label in keep]
  return kept, [f'{len(beats) - len(kept)} beats of other classes than {", ".join(keep)} left out']


def _require_patients(config: Config, groups: Sequence[str], given: Sequence[str]) -> None:
  """Sees that there are patients enough to train on some and test on others."""
  trained = {group for group, where in zip(groups, given, strict=True) if where != 'test'}
  if len(trained) == 1:
    raise UserError(
      f'config.data.source={config.source}: one patient, {min(trained)}, and splits are by '
      'patient; expected several records, or config.data.patients=ignore, which splits by minutes'
    )
