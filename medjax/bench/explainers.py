"""KernelSHAP and LIME of a table beside the libraries shap and lime: speed and agreement.

All explain the same rows of the same network, which the libraries are given as a compiled function,
in turns within one process.
"""

import time
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import numpy as np
from rich.console import Console
from rich.table import Table

from medjax import explain
from medjax.bench.measure import Quartiles
from medjax.errors import UserError

ROWS = 20  # explained in a round
BACKGROUND = 50  # rows that absent columns are drawn from
_SAMPLES = 5000  # neighbours of LIME, its library's default


class _Network(nn.Module):
  hidden: tuple[int, ...]

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    for width in self.hidden:
      x = nn.relu(nn.Dense(width)(x))
    return nn.Dense(1)(x)[:, 0]


def compare(hidden: tuple[int, ...], columns: int, rounds: int, seed: int) -> dict[str, Any]:
  """Times medjax and the libraries in turns.

  Args:
    hidden: Units of the network's hidden layers; none for logistic regression. Its weights are
      those that it begins with: speed does not depend on them.
    columns: Of the table, whose numbers are normal.
    rounds: Timed ones, after one that compiles.
    seed: Of table and network.

  Returns:
    ``hidden``, ``columns``, and for 'kernel_shap' and 'lime' the seconds that ``ROWS`` rows take
    with 'medjax' and 'library', their 'ratio' round by round, and how far the values of the two
    'differ' at the most, where they are meant to be the same.

  Raises:
    UserError: shap or lime is not installed.
  """
  try:
    import shap
    from lime.lime_tabular import LimeTabularExplainer
  except ImportError as error:
    raise UserError(f"{error.name} is not installed; pip install -e '.[peers]'") from None
  random = np.random.default_rng(seed)
  training = random.normal(size=(500, columns)).astype(np.float32)
  x = random.normal(size=(ROWS, columns)).astype(np.float32)
  background, target = training[:BACKGROUND], np.ones(ROWS, int)
  network = _Network(hidden)
  variables = network.init(jax.random.key(seed), x)

  def score(x: jax.Array, target: jax.Array) -> jax.Array:
    return network.apply(variables, x)  # type: ignore[return-value]

  compiled = jax.jit(lambda x: network.apply(variables, x))

  def predict(rows: np.ndarray) -> np.ndarray:
    return np.asarray(compiled(np.asarray(rows, np.float32)), np.float64)

  samples = 2 * columns + 2048  # as the library takes by default
  kernel = shap.KernelExplainer(predict, background)
  tabular = LimeTabularExplainer(training, mode='regression', random_state=seed)

  def library_lime() -> np.ndarray:
    weights = np.zeros((ROWS, columns))
    for i, row in enumerate(x):
      explained = tabular.explain_instance(
        row, predict, num_features=columns, num_samples=_SAMPLES
      ).as_map()
      for column, weight in next(iter(explained.values())):
        weights[i, column] = weight
    return weights

  turns = {
    'kernel_shap': (
      lambda: explain.kernel_shap(score, x, target, background, samples=samples)[0],
      # Without the selection of few columns, which is another method.
      lambda: kernel.shap_values(x, nsamples=samples, l1_reg=False, silent=True),
    ),
    'lime': (
      lambda: explain.lime_table(score, x, target, training, samples=_SAMPLES).weights,
      library_lime,
    ),
  }
  result: dict[str, Any] = {'hidden': list(hidden), 'columns': columns, 'rounds': rounds}
  for method, (mine, theirs) in turns.items():
    ours, values = _timed(mine)
    others, expected = _timed(theirs)
    seconds: list[tuple[float, float]] = []
    for _ in range(rounds):
      (ours, _), (others, _) = _timed(mine), _timed(theirs)
      seconds.append((ours, others))
    result[method] = {
      'medjax': _quartiles([ours for ours, _ in seconds]),
      'library': _quartiles([others for _, others in seconds]),
      'ratio': _quartiles([others / ours for ours, others in seconds]),
    }
    # Values of drawn coalitions and neighbours differ by chance.
    if method == 'kernel_shap' and 2**columns - 2 <= samples:
      result[method]['differ'] = float(np.abs(values - expected).max())
  return result


def _timed(run: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
  start = time.perf_counter()
  values = run()
  return time.perf_counter() - start, values


def _quartiles(values: list[float]) -> dict[str, float]:
  quartiles = Quartiles.of(values)
  return {'median': quartiles.median, 'low': quartiles.low, 'high': quartiles.high}


def table(results: list[dict[str, Any]], processor: str) -> None:
  """Prints what ``compare`` measured, a line for each network and method."""
  rounds = results[0]['rounds']
  shown = Table(
    'method', 'columns', 'hidden units', 'medjax', 'library', 'times as fast', 'values differ by',
    title=f'{ROWS} rows on {processor}: median seconds (quartiles) of {rounds} rounds',
  )  # fmt: skip
  for one in results:
    for method, library in (('kernel_shap', 'shap'), ('lime', 'lime')):
      of = one[method]
      shown.add_row(
        f'{method} / {library}',
        str(one['columns']),
        ', '.join(map(str, one['hidden'])) or 'none (linear)',
        _text(of['medjax'], '.4f'),
        _text(of['library'], '.3f'),
        _text(of['ratio'], '.1f'),
        f'{of["differ"]:.1e}' if 'differ' in of else 'drawn: by chance',
      )
  console = Console()
  if not console.is_terminal:
    console = Console(width=160)
  console.print(shown, highlight=False, markup=False)


def _text(of: dict[str, float], spec: str) -> str:
  return f'{of["median"]:{spec}} ({of["low"]:{spec}}-{of["high"]:{spec}})'
