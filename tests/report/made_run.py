"""A run folder that is made up, and a reader of pages; shared by tests of the report."""

import html.parser
import json
import re

import numpy as np
import reseal

from medjax.data import drawings
from medjax.data.images import Images
from medjax.evaluation import (
  Calibration,
  Decision,
  Estimate,
  Predictions,
  binary_metrics,
  calibration_metrics,
  conformal,
  conformal_metrics,
  multiclass_metrics,
  youden,
)

IMAGES = Images(20, 30, 3)
BINARY, SEVERAL = ('normal', 'cancer'), ('normal', 'bacterial', 'viral', 'other')


def of_image(image, attribution=None):
  """Data URIs of an image and of the same under an explanation, as the report makes them."""
  arrays = {'image': image}
  drawn = [IMAGES.draw(arrays)]
  if attribution is not None:
    drawn.append(IMAGES.draw_explained(arrays, attribution, 'occlusion'))
  return [drawings.uri(drawing) for drawing in drawn]


def predictions(split, classes=BINARY, count=60, seed=0, prefix='case'):
  random = np.random.default_rng(seed)
  label = np.append(np.arange(len(classes)), random.integers(0, len(classes), count - len(classes)))
  weights = np.exp(random.normal(size=(count, len(classes))) + 1.5 * np.eye(len(classes))[label])
  probability = weights / weights.sum(axis=1, keepdims=True)
  return Predictions(
    id=np.array([f'{prefix}{i}' for i in range(count)]),
    label=label,
    probability=probability[:, 1] if len(classes) == 2 else probability,
    group=np.array([f'patient{i // 2}' for i in range(count)]),
    split=split,
    classes=classes,
    metadata={'sex': ['f', 'm'] * (count // 2), 'note': [f'text {i}' for i in range(count)]},
  )


def write_run(folder, classes=BINARY, simulated=True, prefix='case'):
  """A whole run folder, and its test table."""
  folder.mkdir(exist_ok=True)
  tables = {name: predictions(name, classes, seed=i, prefix=prefix) for i, name in
            enumerate(('val', 'test'))}  # fmt: skip
  found = {}
  val = tables['val']
  threshold = youden(val.label, val.probability) if val.is_binary else Estimate(None)
  sets = conformal.fit('mondrian', 0.8, val)
  calibration = Calibration('platt', 1.3, (-0.25,), reason='fitted on 60 cases of val')
  decision = Decision(4, calibration, threshold, sets)
  for name, table in tables.items():
    table.write_csv(folder / 'predictions' / f'{name}.csv')
    metrics = binary_metrics(table, threshold) if table.is_binary else multiclass_metrics(table)
    metrics |= calibration_metrics(table) | conformal_metrics(table, sets)
    metrics |= {'ece_uncalibrated': Estimate(0.123)}
    found[name] = {metric: estimate.to_json() for metric, estimate in metrics.items()}
  splits = {
    name: {'examples': 60, 'groups': 30, 'classes': dict.fromkeys(classes, 30)} for name in tables
  }
  files = {
    'evaluation.json': found,
    'decision.json': decision.to_json(),
    'data.json': {
      'source': 'phantom',
      'fingerprint': 'abc123',
      'simulated': simulated,
      'classes': list(classes),
      'example': {'image': 'uint8[20,30,3]', 'label': 'int32[]'},
      'splits': splits,
      'groups_in_two_splits': 0,
      'notes': [
        '3 rows without label left out (2 empty, 1 <NA>)',
        f'positive class: {classes[-1]}',
      ],
    },
    'environment.json': {
      'experiment': 'lung_cnn',
      'versions': {'jax': '0.10.2'},
      'git_revision': '0123456789abcdef',
      'command': 'python -m experiments.lung_cnn --config.seed=3',
      'seconds': 3723,
    },
    'config.json': {'learning_rate': 0.001, 'data': {'size': [64, 64]}},
  }
  for name, value in files.items():
    (folder / name).write_text(json.dumps(value))
  lines = []
  for step in range(1, 5):
    epoch = (step - 1) // 2
    lines.append({'step': step, 'epoch': epoch, 'split': 'train', 'loss': 1 / step, 'examples': 8})
    if step % 2 == 0:
      lines.append({'step': step, 'epoch': epoch, 'split': 'val', 'loss': 0.5, 'auroc': 0.6})
  (folder / 'metrics.jsonl').write_text('\n'.join(map(json.dumps, lines)) + '\n{"step": 5, "ep')
  reseal.run_folder(folder)
  return tables['test']


class _Reader(html.parser.HTMLParser):
  """Collects the visible text, what the page would load, and unclosed elements."""

  VOID = frozenset({'meta', 'br', 'img', 'use', 'path', 'link', 'input'})

  def __init__(self):
    super().__init__()
    self.text, self.links, self.tags, self.open = '', [], [], []

  def handle_starttag(self, tag, attributes):
    self.tags.append(tag)
    self.links += [v for k, v in attributes if k in ('src', 'href', 'xlink:href', 'srcset')]
    if tag not in self.VOID:
      self.open.append(tag)

  def handle_startendtag(self, tag, attributes):
    self.handle_starttag(tag, attributes)
    if tag not in self.VOID:
      self.open.pop()

  def handle_endtag(self, tag):
    if tag not in self.VOID:
      assert self.open.pop() == tag

  def handle_data(self, data):
    if 'style' not in self.open:
      self.text += data


def read(path):
  source = path.read_text(encoding='utf-8')
  reader = _Reader()
  reader.feed(source)
  assert not reader.open
  return source, re.sub(r'\s+', ' ', reader.text), reader
