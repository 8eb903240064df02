"""The report and the card of a run on states at positions, and chains as they are drawn."""

import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import reseal
from made_run import read, write_run
from test_card import NETWORK, lines

from medjax.data.residues import Residues
from medjax.evaluation import Confidence, Positions, position_metrics
from medjax.outcomes import States, state_section
from medjax.plots import chains
from medjax.report import card, page
from medjax.workdir import Workdir

SVG = '{http://www.w3.org/2000/svg}'


def _positions(split, count=9, seed=0):
  rng = np.random.default_rng(seed)
  label, prediction, confidence = [], [], []
  for right in np.linspace(0.3, 0.95, count):
    true = np.repeat(rng.choice(list('HEC'), 30), rng.integers(3, 9, 30))[:100]
    called = np.where(rng.random(100) < right, true, rng.choice(list('HEC'), 100))
    label.append('--' + ''.join(true[2:]))
    prediction.append(''.join(called))
    confidence.append(''.join(map(str, rng.integers(4, 10, 100))))
  names = np.array([f'{split}<{i}>' for i in range(count)])
  return Positions(names, label, prediction, confidence, names, split, ('H', 'E', 'C'))


def _write(folder):
  write_run(folder)
  tables = {name: _positions(name, seed=seed) for seed, name in enumerate(('val', 'test'))}
  decision = Confidence.fit(tables['val'], 4)
  found = {}
  for name, table in tables.items():
    table.write_csv(folder / 'predictions' / f'{name}.csv')
    found[name] = {k: v.to_json() for k, v in position_metrics(table).items()}
  data = json.loads((folder / 'data.json').read_text())
  data |= {'classes': ['H', 'E', 'C']}
  for split in data['splits'].values():
    split |= {'classes': {'H': 300, 'E': 300, 'C': 300}, 'positions': 900}
  files = {'evaluation.json': found, 'decision.json': decision.to_json(), 'data.json': data}
  for name, value in files.items():
    (folder / name).write_text(json.dumps(value))
  reseal.run_folder(folder)
  return tables, decision


def test_the_page_shows_counts_confidence_and_six_chains(tmp_path):
  tables, decision = _write(tmp_path)
  source, text, _ = read(page.write(tmp_path, States(3), Residues(), pictures={}))
  table = tables['test']
  counts = table.confusion().sum(axis=0)
  assert f'{np.trace(counts) / counts.sum():.3f}' in text
  for expected in ('Q3', 'Segment overlap (SOV)', 'helix (H)', 'Sensitivity, E against the rest'):
    assert expected in text
  known, right = table.by_digit()
  assert f'{100 * right[9] / known[9]:.1f}%' in text
  assert f'{100 * decision.accuracy[9]:.1f}%' in text
  assert source.count('known residues right') == source.count('true and predicted states') == 6
  assert 'test&lt;0&gt;' in source
  assert '33%' in text  # of known residues, not of chains


def test_a_run_without_predictions_or_decision_is_still_shown(tmp_path):
  _write(tmp_path)
  (tmp_path / 'decision.json').unlink()
  for path in (tmp_path / 'predictions').iterdir():
    path.unlink()
  _, text, _ = read(page.write(tmp_path, States(3), Residues(), pictures={}))
  assert 'There are no predictions in the run folder.' in text


def test_the_card_says_what_comes_out(tmp_path):
  tables, _ = _write(tmp_path)
  found = lines(card.write(Workdir(tmp_path), States(3), Residues(), tables, NETWORK).read_text())
  assert 'probability of each state at each position' in found['Output (15)']
  assert float(found['q3'].split()[0]) == pytest.approx(
    np.trace(tables['test'].confusion().sum(axis=0)) / (9 * 98), abs=1e-3
  )


def test_confusion_and_choice_agree_with_the_table():
  table = _positions('test')
  rows = state_section.confusion(table)
  assert [row['total'] for row in rows] == table.confusion().sum(axis=(0, 2)).tolist()
  assert sum(cell['share'] for cell in rows[0]['cells']) == pytest.approx(1)
  counts = table.confusion()
  right = np.trace(counts, axis1=1, axis2=2) / counts.sum(axis=(1, 2))
  chosen = right[state_section.choose(table)]
  assert len(chosen) == 6
  assert (np.diff(chosen) >= 0).all()
  assert (chosen[0], chosen[-1]) == (right.min(), right.max())


def _drawn(*tracks, **more):
  return ET.fromstring(chains.chain(tracks, 'a <title>', **more))


def test_each_segment_is_drawn_once_in_each_row():
  states = 'CC' + 'H' * 10 + 'CCC' + 'E' * 5 + '--' + 'C'
  drawn = _drawn(('true', states))
  assert len(drawn.findall(f'{SVG}polyline')) == 1
  assert len(drawn.findall(f'{SVG}polygon')) == 1
  assert len(drawn.findall(f'{SVG}path')) == 3
  assert drawn.find(f'{SVG}title').text == 'a <title>'
  # A strand over the end of a row has its head in the next row only.
  wrapped = _drawn(('true', 'C' * 75 + 'E' * 10)).findall(f'{SVG}polygon')
  assert [len(part.get('points').split()) for part in wrapped] == [4, 7]


def test_wrong_residues_are_shaded_where_both_are_known():
  drawn = _drawn(('true', 'HH-CCC'), ('predicted', 'HHHHCE'), wrong=True)
  shades = [part for part in drawn.findall(f'{SVG}rect') if part.get('fill') == '#f6d5cb']
  assert sorted(int(part.get('width')) for part in shades) == [11, 11]


def test_bars_are_as_high_as_the_digits():
  bars = _drawn(('predicted', 'HEC'), confidence='095').findall(f'{SVG}rect')
  heights = [float(bar.get('height')) for bar in bars]
  assert heights[0] < heights[2] < heights[1]


def test_a_page_of_drawings_escapes_names():
  text = chains.page('Predicted states', [('a<b>', '<svg></svg>')])
  assert 'a&lt;b&gt;' in text
  assert '<svg></svg>' in text
