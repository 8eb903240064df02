"""Masks: which pixels of an image show a structure, or which of several.

``predict`` writes file, mask (a PNG file, see ``mask_rows``), area (share of the image), regions
(that touch nowhere, corners included) and error; of several structures area_X and regions_X each.
"""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from medjax import evaluation
from medjax.config import Config
from medjax.evaluation import Estimate, MaskDecision
from medjax.evaluation.masks import mean_of_structures, reserved
from medjax.outcomes import card, mask_section
from medjax.outcomes.base import CardRow, Evaluated, Metric, Outcome
from medjax.outcomes.mask_rows import MaskRows
from medjax.plots import outlines

THRESHOLD = 0.5


@dataclasses.dataclass(frozen=True)
class Masks(Outcome[evaluation.Masks, MaskDecision]):
  """An image has a mask of one structure or of several.

  Attributes:
    structures: their names, in the order of their numbers in a label, from 1.
  """

  structures: tuple[str, ...]

  metrics: ClassVar[Mapping[str, Metric]] = {
    'dice': Metric('Dice', share=True),
    'iou': Metric('Intersection over union', share=True),
    'sensitivity': Metric('Sensitivity of an image', share=True),
    'precision': Metric('Precision of an image', share=True),
    'hausdorff95': Metric('Hausdorff distance, 95th percentile (pixels of the network)'),
    'missed': Metric('Images that show it and where nothing is called', share=True),
    'clear': Metric('Images that do not show it and where nothing is called', share=True),
  }
  headline: ClassVar[Sequence[str]] = ('dice', 'iou', 'hausdorff95', 'clear')
  template: ClassVar[pathlib.Path] = pathlib.Path(__file__).parent / 'masks.html'
  marks: ClassVar[bool] = True
  about_examples: ClassVar[str] = mask_section.ABOUT_EXAMPLES

  @property
  def monitor(self) -> str:  # type: ignore[override]
    """'dice': the mean over images."""
    return 'dice'

  def table(
    self, statistics: Mapping[str, np.ndarray], label: np.ndarray, **columns: Any
  ) -> evaluation.Masks:
    """See ``Outcome``."""
    for name in ('classes', 'sizes'):
      columns.pop(name)
    columns['metadata'] = {
      f'column_{name}' if reserved(name, self.structures) else name: cells
      for name, cells in columns['metadata'].items()
    }
    return evaluation.Masks.of_statistics(statistics, structures=self.structures, **columns)

  def read_table(self, path: pathlib.Path) -> evaluation.Masks:
    """See ``evaluation.read_masks``."""
    return evaluation.read_masks(path)

  def score(self, table: evaluation.Masks) -> float | None:
    """Mean Dice of images that show a structure; None without any."""
    dice = mean_of_structures(table.scores()['dice'])
    return float(np.nanmean(dice)) if not np.isnan(dice).all() else None

  def decide(self, validation: evaluation.Masks, step: int, config: Config) -> MaskDecision:
    """A fixed threshold: nothing is fitted."""
    one = len(self.structures) == 1
    return MaskDecision(step, self.structures, THRESHOLD if one else None)

  def read_decision(self, values: dict[str, Any]) -> MaskDecision:
    """See ``MaskDecision.from_json``."""
    return MaskDecision.from_json(values)

  def evaluate(
    self, table: evaluation.Masks, decision: MaskDecision
  ) -> tuple[evaluation.Masks, dict[str, Estimate]]:
    """The table and ``evaluation.mask_metrics``."""
    return table, evaluation.mask_metrics(table)

  def writer(self, decision: MaskDecision, classes: Sequence[str]) -> MaskRows:
    """See ``Outcome``."""
    return MaskRows(decision)

  def metric(self, name: str, names: Sequence[str]) -> Metric | None:
    """See ``Outcome``; those of one of several structures have a table of their own."""
    return self.metrics.get(name)

  def context(self, shown: Evaluated) -> dict[str, Any]:
    """See ``mask_section.context``."""
    return mask_section.context(shown.table, shown.metrics)

  def label_text(self, label: np.ndarray, classes: Sequence[str]) -> str:
    """How much of the image each structure is.

    Example:
      >>> Masks(('polyp',)).label_text(np.array([[0, 1]]), ())
      'polyp 50%'
    """
    shares = [(name, float((label == k).mean())) for k, name in enumerate(self.structures, 1)]
    return ', '.join(f'{name} {share:.0%}' for name, share in shares if share) or 'nothing'

  def about_cases(self, table: evaluation.Masks) -> str:
    """How many images show a structure."""
    return f'{int((table.true > 0).any(axis=1).sum())} of them show {self._any}'

  @property
  def _any(self) -> str:
    return self.structures[0] if len(self.structures) == 1 else 'a structure'

  def mark(
    self, image: np.ndarray, label: np.ndarray, probability: np.ndarray | None = None
  ) -> np.ndarray:
    """See ``Outcome``: the outlines of true masks, and of called ones, in two colours."""
    numbers = range(1, len(self.structures) + 1)
    masks = [(label == k, outlines.TRUE) for k in numbers]
    if probability is not None:
      threshold = THRESHOLD if len(self.structures) == 1 else None
      called = MaskDecision(0, self.structures, threshold).calls(probability)
      masks += [(called == k, outlines.CALLED) for k in numbers]
    return outlines.draw(image, masks)

  def choose_examples(self, table: evaluation.Masks, count: int) -> list[str]:
    """See ``mask_section.choose``."""
    return [str(table.id[row]) for _, rows in mask_section.choose(table, count) for row in rows]

  def example_groups(
    self,
    table: evaluation.Masks,
    metrics: dict[str, Any],
    pictures: Mapping[str, Sequence[str]],
  ) -> list[dict[str, Any]]:
    """See ``mask_section.example_groups``."""
    return mask_section.example_groups(table, pictures)

  def card_rows(self, decision: MaskDecision, data: dict[str, Any]) -> list[CardRow]:
    """How much of the images is what, and what is called."""
    counts = data['splits'].get('train', {}).get('classes', {})
    total = sum(counts.values())
    shares = ', '.join(f'{card.plain(c)} {n / total:.1%}' for c, n in counts.items() if total)
    return [
      ('Class imbalance (13)', f'pixels in training: {shares}; the loss is half soft Dice'),
      ('Output (15)', f'probability at each pixel; {card.plain(decision.reason)}'),
      (
        'Metrics (12e)',
        'of each image, and their mean; an image that does not show a structure has no Dice, IoU, '
        'sensitivity or distance; distances are in pixels of the network',
      ),
    ]

  def compare(
    self, tables: Sequence[evaluation.Masks], decisions: Sequence[MaskDecision]
  ) -> dict[str, Any]:
    """See ``evaluation.compare_masks``."""
    return evaluation.compare_masks(tables[0], tables[1])
