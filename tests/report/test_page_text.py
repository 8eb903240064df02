"""What every page says: how the data were read, what is positive, what intervals are of."""

import json

import numpy as np
import pytest
import reseal
from made_run import BINARY, IMAGES, write_run

from medjax import sealed
from medjax.data import positive
from medjax.evaluation import auroc_interval
from medjax.outcomes import Classes
from medjax.report import page


@pytest.fixture(scope='module')
def text(tmp_path_factory):
  folder = tmp_path_factory.mktemp('run')
  write_run(folder, BINARY)
  page.write(folder, Classes(), IMAGES, pictures={})
  return ' '.join((folder / 'report.html').read_text().split())


def test_how_the_data_were_read(text):
  section = text[text.index('How the data were read') :]
  assert '<li>3 rows without label left out (2 empty, 1 &lt;NA&gt;)</li>' in section
  assert '<li>positive class: cancer</li>' in section


def test_the_positive_class_is_at_the_top(text):
  top = text[: text.index('<h2>Data</h2>')]
  assert 'of them positive, that is cancer (' in top


def test_a_single_run_says_that_the_noise_of_a_seed_is_not_in_it(text):
  assert 'They are over cases alone: another seed trains another network' in text


def test_the_method_of_the_interval_is_named(text):
  assert '<td class="method soft">Obuchowski</td>' in text  # two cases a patient


def test_delong_is_named_where_every_case_is_a_group_of_its_own():
  random = np.random.default_rng(0)
  label, group = np.arange(40) % 2, np.arange(40)
  score = label + random.normal(size=40)
  assert auroc_interval(label, score, group=group).method == 'DeLong'
  assert auroc_interval(label, score, group=group // 4).method == 'Obuchowski'


def test_a_guess_of_the_positive_class_is_at_the_top(tmp_path):
  write_run(tmp_path, BINARY)
  about, _ = sealed.read(tmp_path / 'data.json')
  about['notes'] = positive.note(('type 1', 'type 2'), '')
  (tmp_path / 'data.json').write_text(json.dumps(about))
  reseal.run_folder(tmp_path)
  page.write(tmp_path, Classes(), IMAGES, pictures={})
  text = ' '.join((tmp_path / 'report.html').read_text().split())
  top = text[: text.index('<h2>Data</h2>')]
  assert 'The positive class: type 2, A GUESS: neither' in top
