"""From structures to what a network sees of them, in processes of their own."""

import concurrent.futures.process
import contextlib
import dataclasses
import functools
import itertools
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from medjax import runtime
from medjax.data.molecules.stream import Streamed
from medjax.data.waiting import in_order
from medjax.errors import UserError

_WAITING = 3  # chunks for each worker, so that none is idle and memory stays bounded


@dataclasses.dataclass(frozen=True)
class Seen:
  """What a network sees of the molecules of a chunk.

  Attributes:
    smiles: of each row, in standard form; '' where there is none.
    error: of each row, why there is none; ''.
    arrays: of the good rows, in order; see ``Features.arrays``.
  """

  smiles: list[str]
  error: list[str]
  arrays: list[dict[str, np.ndarray]]


# Arrays of one shape travel between processes as one for all, which is faster.
_Packed = tuple[Seen, dict[str, np.ndarray] | None]


def seen(modality: Any, structures: Sequence[str]) -> Seen:
  """What a network sees of structures; whatever is wrong with one is said of it alone."""
  found = Seen([], [], [])
  for structure in structures:
    smiles = error = ''
    try:
      molecule = modality.standard.molecule(structure)
      found.arrays.append(modality.features.arrays(molecule.mol, molecule.smiles))
      smiles = molecule.smiles
    except UserError as problem:
      error = str(problem)
    except (RuntimeError, ValueError) as problem:  # as RDKit's exceptions are
      error = f'RDKit fails: {" ".join(str(problem).split())}'
    found.smiles.append(smiles)
    found.error.append(error)
  return found


def each_chunk(
  modality: Any, rows: Iterable[Streamed], size: int, count: int
) -> Iterator[tuple[list[Streamed], Seen]]:
  """Chunks of rows, in their order, each with what the network sees of it.

  Args:
    modality: how structures are read, as ``Modality.chemistry`` gives it.
    rows: of a library.
    size: rows of a chunk.
    count: processes; 0 works in this one.

  Raises:
    UserError: a process was killed, as where memory ends.
  """
  stream = iter(rows)
  chunks = iter(lambda: list(itertools.islice(stream, size)), [])
  if not count:
    for chunk in chunks:
      yield chunk, seen(modality, _structures(chunk))
    return
  with concurrent.futures.ProcessPoolExecutor(
    count, multiprocessing.get_context('spawn'), _begin, (modality,)
  ) as pool:

    def submit(chunk: list[Streamed]) -> 'concurrent.futures.Future[_Packed]':
      return pool.submit(_work, _structures(chunk))

    try:
      with contextlib.closing(in_order(submit, chunks, _WAITING * count)) as found:
        yield from ((chunk, _unpacked(packed)) for chunk, packed in found)
    except concurrent.futures.process.BrokenProcessPool:
      raise UserError(
        'a process that reads molecules was ended from outside, as where memory is used up; repeat '
        'the command to go on, perhaps with fewer --workers'
      ) from None


def _structures(chunk: Sequence[Streamed]) -> list[str]:
  return [one.record.structure for one in chunk]


_job: Callable[[Sequence[str]], Seen]


def _begin(modality: Any) -> None:
  """What a process does first."""
  global _job
  _job = functools.partial(seen, modality)
  runtime.end_with_parent()


def _work(structures: Sequence[str]) -> _Packed:
  found = _job(structures)
  shapes = {tuple((name, a.shape) for name, a in one.items()) for one in found.arrays}
  if len(shapes) != 1:
    return found, None
  stacked = {name: np.stack([one[name] for one in found.arrays]) for name in found.arrays[0]}
  return dataclasses.replace(found, arrays=[]), stacked


def _unpacked(packed: _Packed) -> Seen:
  found, stacked = packed
  if stacked is None:
    return found
  count = len(next(iter(stacked.values())))
  arrays = [{name: array[i] for name, array in stacked.items()} for i in range(count)]
  return dataclasses.replace(found, arrays=arrays)
