"""Screens a library: predicts all of it, and describes the best."""

import dataclasses
import itertools
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

from medjax import files, sealed
from medjax.data.molecules.stream import Stream
from medjax.deploy.screening import best, library, page, training, workers
from medjax.deploy.screening import hits as described
from medjax.deploy.screening.library import Known
from medjax.deploy.screening.meter import Meter, say
from medjax.deploy.screening.parts import Parts
from medjax.deploy.screening.ranking import Ranking
from medjax.deploy.screening.screened import Request, Screened
from medjax.errors import UserError
from medjax.evaluation import csv_cells
from medjax.evaluation.enrichment import enrichment
from medjax.experiment import Experiment
from medjax.outcomes import Row
from medjax.outcomes.rows import shorten
from medjax.workdir import Workdir

PART = 5000
"""Rows of a part, which is what a killed screen loses at most."""
_CHUNK = 500  # rows that are read and predicted together
_SHOWN = 10  # hits on the terminal
_LEAST, _MOST, _OF_ROWS = 50, 1000, 20  # molecules that are described, where nobody says how many


def screen(
  experiment: Experiment,
  config: Any,
  build: Callable[[Any], Experiment],
  workdir: Workdir,
  request: Request,
) -> Screened:
  """Ranks a library of molecules by a finished run, and writes a page about the best.

  The output folder holds 'predictions/part-00000.csv' and so on, a row for each row of the library;
  'unreadable.csv'; 'hits.csv' and 'hits.sdf'; 'picks.csv'; 'enrichment.json' where actives are
  known; and 'screen.html'. A screen that was killed goes on with the next part.

  Args:
    experiment: data description, model and task of the run, without its examples.
    config: settings of the run.
    build: makes its experiment again, for the molecules that it was trained on.
    workdir: the run folder.
    request: what is asked for.

  Raises:
    UserError: the run does not read molecules or was not evaluated, the library cannot be read, or
      the output folder holds another screen.
  """
  modality = experiment.data.modality.chemistry('drug_screen: ranks')
  ranking = Ranking(experiment, config, workdir, request.named, _CHUNK)
  stream = Stream(request.library, request.smiles_column or modality.smiles_column)
  known = _known(experiment, modality, request)
  columns = ['row', 'name', 'smiles', *ranking.columns, 'active', 'error']
  request.output.mkdir(parents=True, exist_ok=True)
  busy = f'--output={request.output}: another screen is at work there'
  with files.locked(request.output / '.lock', busy):
    parts = Parts(request.output, _about(workdir, request, ranking.step), columns)
    _predict(stream, modality, ranking, known, parts, request)
    return _describe(experiment, config, build, workdir, request, parts, ranking, known)


def _known(experiment: Experiment, modality: Any, request: Request) -> Known:
  if request.actives:
    return library.of_file(request.actives, modality.standard)
  labels = experiment.data.details['labels']
  return library.of_run(labels, experiment.data.classes, request.named)


def _about(workdir: Workdir, request: Request, step: int) -> dict[str, Any]:
  """What a screen is of; under another library, run or setting it does not go on."""
  try:
    actives = files.digest(request.actives) if request.actives else ''
    of_library = files.digest(request.library)
    decision = files.digest(workdir.decision)
  except OSError as error:
    raise UserError(f'{error.filename}: cannot be read: {error.strerror}') from None
  return {
    'library': of_library,
    'library_bytes': request.library.stat().st_size,
    'run': workdir.identity(),
    'checkpoint': step,
    'decision': decision,
    '--class': request.named,
    '--lowest': request.lowest,
    '--best': request.best,
    '--picks': request.picks,
    '--actives': actives,
    '--smiles_column': request.smiles_column,
  }


def _predict(
  stream: Stream,
  modality: Any,
  ranking: Ranking,
  known: Known,
  parts: Parts,
  request: Request,
) -> None:
  """Writes parts until the library ends."""
  done = parts.rows_done()
  if done:
    say(f'{done} rows were screened before')
  meter = Meter(stream.bytes)
  waiting: list[Row] = []
  rows = itertools.islice(stream, done, None)
  new = 0
  try:
    for chunk, seen in workers.each_chunk(modality, rows, _CHUNK, request.workers):
      predicted = iter(ranking.rows(seen.arrays))
      for one, smiles, error in zip(chunk, seen.smiles, seen.error, strict=True):
        row = dict.fromkeys(parts.columns, '')
        row |= {'row': one.record.place, 'name': library.name(one.record)}
        row |= {'smiles': smiles, 'error': one.problem or error}
        if smiles:
          cells = next(predicted)
          row |= {name: cells[name] for name in (*ranking.columns, 'error')}
          row['active'] = known.cell(one.record, smiles)
        waiting.append(row)
      new += len(chunk)
      while len(waiting) >= PART:
        parts.write(waiting[:PART])
        del waiting[:PART]
      meter.update(stream.position(), len(chunk))
    if waiting:
      parts.write(waiting)
  finally:
    rate = meter.close()
  if new:
    print(f'{new} molecules screened, {rate:.0f} a second')


def _describe(
  experiment: Experiment,
  config: Any,
  build: Callable[[Any], Experiment],
  workdir: Workdir,
  request: Request,
  parts: Parts,
  ranking: Ranking,
  known: Known,
) -> Screened:
  """Writes all but the predictions."""
  folder = request.output
  rows = _noting(parts.rows(), folder / 'unreadable.csv')
  ranked = best.rank(rows, ranking.ranked, request.lowest, request.best or _MOST)
  if request.best is None:
    share = max(_LEAST, ranked.rows // _OF_ROWS)
    ranked = dataclasses.replace(ranked, best=ranked.best[:share])
  trained, why = training.molecules(config, build, workdir)
  hits = described.describe(ranked.best, experiment.data.modality)
  picks = described.pick(hits, request.picks)
  picks = described.explain(picks, experiment, workdir, ranking.place)
  columns = [name for name in parts.columns if name != 'error']
  described.write_csv(hits, columns, folder / 'hits.csv')
  described.write_csv(picks, columns, folder / 'picks.csv')
  described.write_sdf(hits, columns, folder / 'hits.sdf')
  trained_on = None if trained is None else ranked.among(trained)
  trained_actives = None if trained is None else ranked.among(trained, active=True)
  first = ranked.first
  first = first[ranked.known[first] >= 0]
  active = ranked.known[first] == 1
  found = enrichment(active, ranked.score[first]) if active.any() else None
  if found:
    values = {name: estimate.to_json() for name, estimate in found.items()}
    about: dict[str, Any] = {'actives': int(active.sum()), 'molecules': len(active)}
    about |= {'trained_on': trained_on, 'actives_trained_on': trained_actives}
    sealed.write(folder / 'enrichment.json', {**about, **values})
  asked = None if known.smiles is None else len(known.smiles)
  screened = Screened(
    ranked,
    hits,
    picks,
    columns,
    ranking.ranked,
    found,
    int(active.sum()),
    asked,
    trained_on,
    trained_actives,
    why,
  )
  drawn = page.draw(experiment, workdir, request, screened)
  with files.replacing(folder / 'screen.html') as new:
    new.write_text(drawn, 'utf-8', errors='backslashreplace')
  _say(request, screened)
  return screened


def _noting(rows: Iterator[Row], path: pathlib.Path) -> Iterator[Row]:
  """The same rows; those that have no prediction are written to a CSV."""
  with (
    files.replacing(path) as new,
    open(new, 'w', newline='', encoding='utf-8', errors='backslashreplace') as file,
  ):
    writer = csv_cells.Writer(file, ('row', 'name', 'error'), others=True)
    for row in rows:
      if row['error']:
        writer.rows([row])
      yield row


def _say(request: Request, screened: Screened) -> None:
  ranked, output = screened.ranked, request.output
  for hit in screened.hits[:_SHOWN]:
    row = hit.found.row
    print(f'  {shorten(row[screened.column])}  {row["row"]}  {row["name"]}  {row["smiles"]}')
  print(
    f'{len(ranked.score)} of {ranked.rows} rows predicted, {ranked.molecules} different molecules; '
    f'{ranked.unreadable} could not be read'
    + (f': {output / "unreadable.csv"}' if ranked.unreadable else '')
  )
  if screened.why_unknown:
    print(f'novelty is not known: {screened.why_unknown}')
  for name, estimate in (screened.enrichment or {}).items():
    interval = '' if estimate.low is None else f' ({estimate.low:.3f} to {estimate.high:.3f})'
    print(f'{name}: {estimate.value:.3f}{interval}')
  print(f'{len(screened.hits)} hits, {len(screened.picks)} picks: {output / "screen.html"}')
