"""Settings that several kinds of data share; each kind subclasses one of these and adds its own."""

import dataclasses
import pathlib
from typing import Any

from medjax.config import setting
from medjax.data import source_files
from medjax.errors import UserError
from medjax.privacy.release import Release


class _Described:
  """Declares for type checkers what ``Settings`` sets: to them an InitVar is no attribute."""

  stored: dict[str, Any] | None = None
  external: bool = False
  agreed: dict[str, Any] | None = None
  private: Release | None = None


@dataclasses.dataclass
class Settings(_Described):
  """Where data come from, and how they are split.

  Attributes:
    stored: what a run's data.json holds, as ``dataset.describe`` reads it, for the data as they are
      described there, without examples; None to read ``source``. It is no setting: neither flags
      nor config.json have it, and copies by ``dataclasses.replace`` keep it.
    external: whether ``source`` is read after all, as data of another site: by what ``stored``
      says, so that nothing is fitted to them. No setting either; see ``medjax.data.external``.
    agreed: details that several sites agreed on, in place of what would be fitted to the cases that
      are read. No setting either; see ``Modality.agreed``.
    private: how statistics of training cases may be told; None for as they are. No setting either.
  """

  source: str = setting('simulated', "'simulated', or a file.")
  allow_group_overlap: bool = setting(False, 'Accept a patient in two splits.')
  missing: tuple[str, ...] = setting(
    ('usual',), 'Words for a missing value in tables; usual stands for NA, NULL, ? and their like.'
  )
  seed: int = setting(0, 'Seed of the simulator and of splits drawn here.', low=0, high=2**31 - 1)
  folds: int = setting(0, 'Parts of a cross-validation, one of which tests; 0 for none.', low=0)
  fold: int = setting(0, 'The part that tests, from 0.', low=0)
  train_share: float = setting(
    1.0, 'Share of the training patients that is used, for a learning curve.', low=0.0, high=1.0
  )
  train_draw: int = setting(0, 'Another number draws other patients for that share.', low=0)
  stored: dataclasses.InitVar[dict[str, Any] | None] = dataclasses.field(default=None, kw_only=True)
  external: dataclasses.InitVar[bool] = dataclasses.field(default=False, kw_only=True)
  agreed: dataclasses.InitVar[dict[str, Any] | None] = dataclasses.field(default=None, kw_only=True)
  private: dataclasses.InitVar[Release | None] = dataclasses.field(default=None, kw_only=True)

  def __post_init__(
    self,
    stored: dict[str, Any] | None,
    external: bool,
    agreed: dict[str, Any] | None,
    private: Release | None,
  ) -> None:
    self.stored, self.external = stored, external
    self.agreed, self.private = agreed, private

  @property
  def fitted(self) -> dict[str, Any] | None:
    """What was fitted to the cases of a run and holds for those that are read here; else None."""
    if self.agreed is not None:
      return self.agreed
    return self.stored['details'] if self.stored is not None and self.external else None

  @property
  def splits_anew(self) -> bool:
    """Whether splits that the source names are not used."""
    return bool(self.folds) or self.external


@dataclasses.dataclass
class ClassSettings(Settings):
  """Of data whose labels are classes."""

  positive: str = setting('', 'The positive one of two classes; empty tells it from the names.')
  joined_names: bool = setting(
    False, "Labels that join names, such as 'fracture, femur', are classes; false refuses them."
  )


@dataclasses.dataclass
class PatientSettings(Settings):
  """Of data with a table whose columns say the patient and the split."""

  group_column: str = setting(
    'patient', 'Column with the patient, or one called alike; empty for none.'
  )
  split_column: str = setting(
    'split', 'Column with train, val or test, if there is one; empty to draw splits.'
  )


@dataclasses.dataclass
class ColumnSettings(PatientSettings, ClassSettings):
  """Of data with such a table, whose labels are classes."""


@dataclasses.dataclass
class FileSettings(ClassSettings):
  """Of data in several files, some of which may be the test split."""

  test: str = setting('', 'Further files, joined by commas, that are the test split.')

  def validate(self) -> None:
    """Raises UserError for settings that contradict each other."""
    if self.folds and self.test:
      raise UserError('config.data.test and config.data.folds: expected one of them')


def paths(joined: str) -> list[pathlib.Path]:
  """The files and folders of a setting that joins them by commas.

  Example:
    >>> [path.name for path in paths('a.fa, b.fa')]
    ['a.fa', 'b.fa']
  """
  return [source_files.source(name.strip()) for name in joined.split(',') if name.strip()]


def file_names(joined: str) -> str:
  """Their names without folders, which say what the data are called.

  Example:
    >>> file_names('sites/a.fa,sites/b.fa')
    'a.fa, b.fa'
  """
  return ', '.join(pathlib.Path(part).name for part in joined.split(','))
