"""The report page: what it shows of whole, broken, hostile and empty run folders."""

import json
import re

import numpy as np
import PIL.Image
import pytest
import reseal
from made_run import BINARY, IMAGES, SEVERAL, of_image, predictions, read, write_run

from medjax.evaluation import (
  Predictions,
)
from medjax.outcomes import Classes, class_section
from medjax.report import page


@pytest.mark.parametrize('classes', [BINARY, SEVERAL])
def test_whole_run(tmp_path, classes):
  table = write_run(tmp_path, classes)
  shown = class_section.choose_examples(table, 8)
  shape = (20, 30) if classes is BINARY else (20, 30, 3)
  path = page.write(
    tmp_path,
    Classes(),
    IMAGES,
    pictures={name: of_image(np.zeros(shape, np.uint8)) for name in shown},
  )
  assert path == tmp_path / 'report.html'
  _, text, reader = read(path)
  auroc = json.loads((tmp_path / 'evaluation.json').read_text())['test']['auroc']
  assert f'{auroc["value"]:.3f}' in text
  assert f'{auroc["low"]:.3f} to {auroc["high"]:.3f}' in text
  for expected in (
    'lung_cnn',
    'not for diagnosis or treatment',
    'phantom',
    'abc123',
    'python -m experiments.lung_cnn --config.seed=3',
    'took 1 h 2 min',
    'learning_rate',
    '60 labelled test cases from 30 groups',
    *classes,
    *shown,
  ):
    assert expected in text
  assert reader.tags.count('img') == 8
  # Loss, AUROC by epoch, ROC, precision-recall, reliability; with two classes a decision curve.
  assert reader.tags.count('svg') == (6 if classes is BINARY else 5)
  for expected in (
    'platt, logits divided by 1.3 and shifted by -0.25; fitted on 60 cases of val',
    'hold the truth in 80% of the cases of each class',
    f'{classes[0]}: the set holds the truth',
    'sex: f',
    'No group is in more than one split',
    *(['few cases'] if classes is BINARY else []),
    '0.123',
  ):
    assert expected in text
  assert 'text 1' not in text
  assert 'not in the run folder' not in text


@pytest.mark.parametrize('classes', [BINARY, SEVERAL])
def test_self_contained(tmp_path, classes):
  table = write_run(tmp_path, classes)
  image = np.full((8, 8, 1), 9, np.uint8)
  path = page.write(tmp_path, Classes(), IMAGES, pictures={str(table.id[0]): of_image(image)})
  source, _, reader = read(path)
  assert all(link.startswith(('data:image/png;base64,', '#')) for link in reader.links)
  assert not {'script', 'link', 'iframe', 'object', 'form'} & set(reader.tags)
  assert not re.search(r'url\((?!#)|@import', source)
  ids = re.findall(r'\bid="([^"]+)"', source)
  assert '<svg' in source
  # Two figures share ids such as axes_1, but none that anything refers to.
  used = set(re.findall(r'(?:url\(|href=")#([^")]+)', source))
  assert all(ids.count(name) == 1 for name in used)


def test_simulated_comes_first(tmp_path):
  write_run(tmp_path, simulated=True)
  _, text, _ = read(page.write(tmp_path, Classes(), IMAGES, pictures={}))
  assert text.split('report', 1)[1].strip().startswith('SIMULATED DATA')
  write_run(tmp_path, simulated=False)
  _, text, _ = read(page.write(tmp_path, Classes(), IMAGES, pictures={}))
  assert 'SIMULATED' not in text
  assert 'does not say whether' not in text


def test_empty_folder(tmp_path):
  _, text, _ = read(page.write(tmp_path, Classes(), IMAGES, pictures={}))
  for name in ('config', 'environment', 'data', 'evaluation', 'decision'):
    assert f'{name}.json is not in the run folder' in text
  assert 'metrics.jsonl is not in the run folder' in text
  assert 'no predictions' in text
  assert 'does not say whether the data are simulated' in text


WHOLE = (
  *('config.json', 'environment.json', 'data.json', 'evaluation.json', 'decision.json'),
  'metrics.jsonl',
)


@pytest.mark.parametrize('name', [*WHOLE, 'predictions/test.csv'])
@pytest.mark.parametrize('content', [None, '', '{"half": ', '[1]'])
def test_missing_or_broken_file(tmp_path, name, content):
  write_run(tmp_path)
  if content is None:
    (tmp_path / name).unlink()
  else:
    (tmp_path / name).write_text(content)
  _, text, _ = read(page.write(tmp_path, Classes(), IMAGES, pictures={}))
  if content is not None and name != 'metrics.jsonl':
    assert f'{name.split("/")[-1]} cannot be read' in text or f'{name}: ' in text
  elif name.startswith('predictions'):
    assert 'Decisions on the val split' in text
    assert 'There is no test split here' in text


def test_mostly_empty_files(tmp_path):
  for name in WHOLE[:-1]:
    (tmp_path / name).write_text('{}')
  (tmp_path / 'metrics.jsonl').write_text('')
  (tmp_path / 'data.json').write_text('{"splits": {"train": {}}, "classes": ["a", "b"]}')
  reseal.run_folder(tmp_path)
  _, text, _ = read(page.write(tmp_path, Classes(), IMAGES, pictures={}))
  assert 'holds no finished step' in text


def test_hostile_text_is_escaped(tmp_path):
  hostile = '<script>alert(1)</script>"\'&'
  table = write_run(tmp_path, (f'no {hostile}', f'yes $x^2 {hostile}'), prefix=hostile)
  environment = {'experiment': hostile, 'command': hostile, hostile: hostile}
  (tmp_path / 'environment.json').write_text(json.dumps(environment))
  reseal.run_folder(tmp_path)
  image = np.zeros((4, 4), np.uint8)
  source, text, reader = read(
    page.write(tmp_path, Classes(), IMAGES, pictures={str(table.id[0]): of_image(image)})
  )
  assert '<script' not in source
  assert 'script' not in reader.tags
  assert hostile in text


def test_undefined_metric_is_shown_with_its_reason(tmp_path):
  write_run(tmp_path)
  found = json.loads((tmp_path / 'evaluation.json').read_text())
  nothing = {'value': None, 'low': None, 'high': None, 'reason': 'there is no positive case'}
  found['test']['auroc'] = found['test']['sensitivity'] = nothing
  found['val']['auroc'] = {'value': 1.0, 'low': None, 'high': None, 'reason': 'variance is 0'}
  (tmp_path / 'evaluation.json').write_text(json.dumps(found))
  reseal.run_folder(tmp_path)
  _, text, _ = read(page.write(tmp_path, Classes(), IMAGES, pictures={}))
  assert 'undefined: there is no positive case' in text
  assert '1.000 (variance is 0)' in text
  assert 'nan' not in text.lower().split()
  assert 'None' not in text


@pytest.mark.parametrize(
  ('content', 'problem'),
  [
    ('{"grades": [1], "cases": 3, "split": "test"}', 'grades-lime.json cannot be used'),
    ('{"grades": {"a": {"trained": 3}}, "cases": 3, "split": "test"}', 'cannot be used'),
    ('{"half": ', 'cannot be read as JSON'),
  ],
)
def test_damaged_grades_do_not_hide_the_others(tmp_path, content, problem):
  write_run(tmp_path)
  estimate = {'value': 0.5, 'low': 0.4, 'high': 0.6, 'reason': ''}
  good = {'cases': 3, 'split': 'test', 'grades': {'deletion': {'trained': estimate}}}
  (tmp_path / 'grades-saliency.json').write_text(json.dumps(good))
  workdir = reseal.run_folder(tmp_path)
  lime = workdir.grades('lime')
  if content.endswith('}'):
    workdir.write(lime, json.loads(content))
  else:
    lime.write_text(content)
  _, text, _ = read(page.write(tmp_path, Classes(), IMAGES, pictures={}))
  assert problem in text
  assert 'saliency of another checkpoint' in text  # an old file does not say of which
  assert '0.500 (0.400 to 0.600)' in text


def test_one_class_only(tmp_path):
  table = predictions('test').select(predictions('test').label == 0)
  table.write_csv(tmp_path / 'predictions' / 'test.csv')
  _, text, _ = read(page.write(tmp_path, Classes(), IMAGES, pictures={}))
  assert 'no case' in text
  assert 'There is no ROC curve' in text


@pytest.mark.parametrize('classes', [BINARY, SEVERAL])
def test_no_label_at_all(tmp_path, classes):
  table = predictions('test', classes)
  unlabelled = Predictions(**{**vars(table), 'label': np.full(60, np.nan)})
  unlabelled.write_csv(tmp_path / 'predictions' / 'test.csv')
  shown = {'case0': of_image(np.zeros((4, 4), np.uint8))}
  _, text, _ = read(page.write(tmp_path, Classes(), IMAGES, pictures=shown))
  assert 'There is no ROC curve' in text
  assert '0 labelled test cases' in text


def test_confusion_counts(tmp_path):
  table = write_run(tmp_path)
  threshold = json.loads((tmp_path / 'evaluation.json').read_text())['test']['threshold']['value']
  rows = class_section.confusion(table, threshold)
  called = table.probability >= threshold
  for index, row in enumerate(rows):
    counts = [int((~called[table.label == index]).sum()), int(called[table.label == index].sum())]
    assert [cell['count'] for cell in row['cells']] == counts
    assert [cell['right'] for cell in row['cells']] == [index == 0, index == 1]


def test_training_loss_is_weighted_by_examples(monkeypatch):
  drawn = []
  monkeypatch.setattr(page.curves, 'learning_curve', lambda *args: drawn.append(args) or '')
  page._curves(
    Classes(),
    [
      {'epoch': 0, 'split': 'train', 'loss': 1.0, 'examples': 30},
      {'epoch': 0, 'split': 'train', 'loss': 3.0, 'examples': 10},
      {'epoch': 1, 'split': 'train', 'loss': None, 'examples': 10},
      {'epoch': 1, 'split': 'train', 'loss': 1.0, 'examples': 10},
      {'epoch': 0, 'split': 'val', 'loss': 2.0, 'auroc': None},
      {'epoch': 1, 'split': 'val', 'loss': 1.0, 'auroc': 0.7},
    ],
    mark_best=True,
  )
  losses, auroc = drawn
  assert losses[0]['training'] == ([1, 2], [1.5, 1.0])
  assert losses[0]['validation'] == ([1, 2], [2.0, 1.0])
  assert auroc[2] == 2
  assert np.isnan(auroc[0]['validation'][1][0])


def test_same_run_gives_the_same_page(tmp_path):
  write_run(tmp_path)
  first = page.write(tmp_path, Classes(), IMAGES, pictures={}).read_bytes()
  assert page.write(tmp_path, Classes(), IMAGES, pictures={}).read_bytes() == first
  assert not list(tmp_path.glob('.report*'))


def test_large_pictures_are_made_smaller(tmp_path):
  table = write_run(tmp_path)
  noise = np.random.default_rng(0).integers(0, 256, (1024, 512), np.uint8)
  path = page.write(
    tmp_path,
    Classes(),
    IMAGES,
    pictures={str(table.id[0]): of_image(noise), 'unknown': of_image(noise)},
  )
  _, _, reader = read(path)
  assert reader.tags.count('img') == 1
  assert path.stat().st_size < 400_000


class TestChooseExamples:
  def test_most_wrong_and_most_right_of_every_class(self):
    table = Predictions(
      id=np.array(list('abcdefg')),
      label=np.array([0, 0, 0, 0, 1, 1, 1]),
      probability=np.array([0.1, 0.9, 0.3, 0.5, 0.8, 0.2, 0.6]),
      group=np.array(list('abcdefg')),
      split='test',
      classes=BINARY,
    )
    assert class_section.choose_examples(table, 4) == ['b', 'f', 'a', 'e']
    assert class_section.choose_examples(table, 99) == ['b', 'f', 'a', 'e', 'd', 'g', 'c']
    assert class_section.choose_examples(table, 0) == []

  def test_several_classes(self):
    table = predictions('test', SEVERAL)
    chosen = class_section.choose_examples(table, 8)
    assert len(set(chosen)) == 8
    labels = [int(table.label[table.id == name][0]) for name in chosen]
    assert labels == [0, 1, 2, 3, 0, 1, 2, 3]

  def test_unlabelled_and_empty(self):
    table = predictions('test')
    assert class_section.choose_examples(table.select(np.zeros(60, bool)), 5) == []


def test_bad_picture():
  with pytest.raises(ValueError, match='expected uint8'):
    of_image(np.zeros((4, 4), np.float32))


def test_picture_pixels_survive(tmp_path):
  import base64
  import io

  table = write_run(tmp_path)
  image = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
  _, _, reader = read(
    page.write(tmp_path, Classes(), IMAGES, pictures={str(table.id[0]): of_image(image)})
  )
  (source,) = (link for link in reader.links if link.startswith('data:'))
  stored = PIL.Image.open(io.BytesIO(base64.b64decode(source.split(',')[1])))
  np.testing.assert_array_equal(np.asarray(stored), image)
