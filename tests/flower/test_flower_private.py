"""Real sites that train privately: what leaves them, what they count, and when they stop."""

import json

import numpy as np
import pytest

pytest.importorskip('flwr', reason='needs medjax[federated]')
pytest.importorskip('jax_privacy', reason='needs medjax[private]')

import three_tables

from experiments import tabular_mlp
from medjax.errors import UserError
from medjax.federated import app
from medjax.flower import client, plan, server, wire
from medjax.workdir import Workdir

BUILD, DEFAULTS = tabular_mlp.build, tabular_mlp.Config()
# Everybody in each update, which is accounted for at once.
WHOLE = {'config.batch_size': '200', 'config.select': 'best'}  # select as an app has it
BUDGET = {'config.privacy.epsilon': '4'}


@pytest.fixture
def columns(tmp_path):
  path = tmp_path / 'columns.csv'
  path.write_text('column,low,high,levels\nage,20,95,\nmarker,-5,10,\nward,,,a|b|c\n')
  return {'config.privacy.columns': str(path)}


@pytest.fixture
def begin(tmp_path, columns):
  """A function: what hospitals say for themselves -> a server, a network, and what each told."""
  tables = three_tables.write_tables(tmp_path)

  def made(own, line=None, name='server', **changed):
    given = three_tables.run_config(tmp_path / name, **WHOLE, **changed)
    nodes = {
      site: {'source': str(path), 'workdir': str(tmp_path / site), **own[site]}
      for site, path in zip(three_tables.NAMES, tables, strict=True)
      if site in own
    }
    told = []

    def noting(site, message, answer):
      told.append((site, message.metadata.message_type, wire.unpacked(answer.content)[0]))
      return answer if line is None else line(site, message, answer)

    network = three_tables.Network(client.app(DEFAULTS, BUILD), given, nodes, noting)
    return server.Server(network, plan.Plan.of(DEFAULTS, given), BUILD), network, told

  return made


@pytest.fixture
def two(columns):
  own = {**columns, **BUDGET}
  return {'north': dict(own), 'south': dict(own)}


def ledger(folder, site):
  (run,) = (path for path in (folder / site).iterdir() if path.is_dir())
  return Workdir(run)


def again(network, site, **changed):
  """A site's answer to the last message to train, with other settings of the run."""
  message = [m for n, m in network.sent if n == site and m.metadata.message_type == 'train'][-1]
  given = network._given | changed
  answer = network._app(
    message=message, context=three_tables.context_of(network.nodes[site], given)
  )
  return wire.unpacked(answer.content)


def test_a_hospital_chooses_its_own_budget_and_no_loss_leaves_it(begin, two, tmp_path):
  server_, _, told = begin(two)
  server_.run()
  of_rounds = [about for _, kind, about in told if kind == 'train']
  assert len(of_rounds) == 6
  assert not any('loss' in about for about in of_rounds)
  found = json.loads((tmp_path / 'server' / 'federation.json').read_text())
  for name in two:
    run = ledger(tmp_path, name)
    own = run.read(run.evaluation)['privacy']
    assert own['sites']['here']['updates'] == 3  # rounds of an epoch, by the site's own count
    assert own['epsilon'] == pytest.approx(4, rel=1e-3)
    row = found['sites'][name]['privacy']
    assert row == {'epsilon': own['epsilon'], 'delta': own['delta']}
    report = (run.folder / 'report.html').read_text()
    assert 'Noise multiplier' in report  # as of a run of its own
    assert 'at 1 sites' not in report
  page = (tmp_path / 'server' / 'federation.html').read_text()
  assert page.count('epsilon 4.00 at delta') == 2
  assert 'no mean loss left it' in page


def test_a_private_hospital_trains_with_one_that_is_not(begin, columns, tmp_path):
  server_, _, told = begin({'north': {**columns, **BUDGET}, 'south': {}})
  server_.run()
  losses = {(name, 'loss' in about) for name, kind, about in told if kind == 'train'}
  assert losses == {('north', False), ('south', True)}
  found = json.loads((tmp_path / 'server' / 'federation.json').read_text())['sites']
  assert found['north']['privacy']['epsilon'] == pytest.approx(4, rel=1e-3)
  assert found['south']['privacy'] is None


def test_a_server_that_asks_for_more_than_the_budget_gets_nothing(begin, two, tmp_path, capsys):
  server_, network, _ = begin(two)
  server_.run()
  run = ledger(tmp_path, 'north')
  before = run.privacy.read_text()
  capsys.readouterr()
  assert again(network, 'north') == ({wire.SPENT: True}, {})
  assert 'config.privacy.epsilon=4: is spent; this site trains no more' in capsys.readouterr().err
  assert run.privacy.read_text() == before


@pytest.mark.parametrize('more', [{'local_epochs': 9}, {'local_steps': 1, 'local_epochs': 2}])
def test_a_mechanism_that_changes_gets_nothing(begin, two, tmp_path, capsys, more):
  """Fewer or more updates a round would have other noise, by which old ones were not made."""
  server_, network, _ = begin(two)
  server_.run()
  run = ledger(tmp_path, 'north')
  before = run.privacy.read_text()
  capsys.readouterr()
  changed = {f'{app.FEDERATION}.{name}': value for name, value in more.items()}
  found = again(network, 'north', **changed)
  if 'local_steps' in more:  # one update a round, as before
    assert found == ({wire.SPENT: True}, {})
  else:
    assert found == ({client.FAILED: True}, {})
    assert 'noise_multiplier, updates of the private training in' in capsys.readouterr().err
  assert run.privacy.read_text() == before


def test_another_federation_needs_the_word_of_the_hospital(begin, two, tmp_path, capsys):
  begin(two)[0].run()
  with pytest.raises(UserError, match=r'round 1: 0 of at least 2 sites'):
    begin(two, name='other')[0].run()
  said = capsys.readouterr().err
  assert '1 other federations have each spent a budget on the patients of' in said
  assert 'expected --node-config budgets="2" if another may' in said
  begin({name: own | {'budgets': '2'} for name, own in two.items()}, name='third')[0].run()
  assert len(json.loads((tmp_path / 'north' / 'budgets.json').read_text())['federations']) == 2
  many = begin({name: own | {'budgets': 'many'} for name, own in two.items()}, name='fourth')[0]
  about = {'federation': 'x-' + '0' * 16, 'agreed': {}}
  _, failed = many.sites.ask('query.ask', about, None, {'north': 100})
  assert failed == {'north': 'it failed there; its own log says why'}
  assert "--node-config: budgets='many': expected a number" in capsys.readouterr().err


def test_an_answer_that_is_lost_does_not_cost_the_others(begin, two, tmp_path):
  lost = []

  def line(site, message, answer):
    if site == 'north' and message.metadata.message_type == 'train' and len(lost) < 1:
      lost.append(site)
      return None
    return answer

  server_, _, told = begin(two, line=line)
  server_.run()
  updates = {}
  for name in two:
    run = ledger(tmp_path, name)
    updates[name] = run.read(run.evaluation)['privacy']['sites']['here']['updates']
  # South was not asked twice for the first round; for the third it was, though north had none.
  assert updates == {'north': 3, 'south': 3}
  trained = [(name, 'examples' in about) for name, kind, about in told if kind == 'train']
  assert trained.count(('south', True)) == 3
  assert trained.count(('north', True)) == 3
  about = json.loads((tmp_path / 'server' / 'federation.json').read_text())
  assert about['notes'][-1] == 'budgets of sites were spent after round 2 of 3'
  assert 'model of round 2 of 3' in (tmp_path / 'server' / 'federation.html').read_text()
  assert ('north', 'train', {wire.SPENT: True}) in told
  # The same command says the same.
  begin(two)[0].run()


def test_a_site_that_lost_its_count_trains_no_more(begin, two, tmp_path, capsys):
  server_, network, _ = begin(two)
  server_.run()
  ledger(tmp_path, 'north').privacy.unlink()
  assert again(network, 'north') == ({client.FAILED: True}, {})
  assert 'it counts what was told of patients' in capsys.readouterr().err


def test_a_site_that_came_for_the_end_has_spent_nothing(begin, two, columns, tmp_path):
  late = {**two, 'west': {**columns, **BUDGET}}

  def line(site, message, answer):
    return None if site == 'west' and message.metadata.message_type == 'train' else answer

  def lost(site, message, answer):
    if site == 'west' and message.metadata.message_type == 'train':
      run = ledger(tmp_path, 'west')
      value = run.read(run.privacy)
      value['sites']['here']['updates'] = 0  # as of a site that was not asked
      run.write(run.privacy, value)
    return line(site, message, answer)

  begin(late, line=lost)[0].run()
  run = ledger(tmp_path, 'west')
  assert run.read(run.evaluation)['privacy']['epsilon'] == 0


def test_statistics_are_not_told_with_noise_to_whoever_asks_again(begin, capsys):
  own = {**BUDGET, 'config.data.drop': 'ward'}
  server_, _, _ = begin({'north': own, 'south': own})
  about = {'federation': 'x-' + '0' * 16, 'agreed': {}}
  answers, failed = server_.sites.ask('query.ask', about, None, {'north': 100})
  assert (answers, failed) == ({}, {'north': 'it failed there; its own log says why'})
  assert 'means and scales of columns are statistics of private rows' in capsys.readouterr().err


def test_noise_is_drawn_for_every_answer(begin, two):
  """Two answers to one message are of the same parameters, cases and seed."""
  found = []

  def line(site, message, answer):
    if site == 'north' and message.metadata.message_type == 'train':
      found.append(wire.unpacked(answer.content)[1])
      return None if len(found) == 1 else answer
    return answer

  begin(two, line=line)[0].run()
  first, second = found[:2]
  # Adam's first update goes by signs, which noise leaves as they are in some places.
  assert max(np.abs(first[name] - second[name]).max() for name in first) > 1e-3
