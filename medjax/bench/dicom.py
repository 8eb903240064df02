"""How fast DICOM files become pictures, beside pydicom on its own.

    python -m medjax.bench.dicom [ROUNDS]

Made frames: as a CT and a radiograph store them, plain and compressed. The slices of a CT have one
window, each radiograph has its own. Times are those of one core, ours and pydicom's in turns: of
``pixel_array`` alone, and of what makes such greys of 8 bits, ``pixel_array`` with
``apply_modality_lut`` and ``apply_voi_lut``. Kernels in C++ are compiled before, as by training.
Then how many files a second are made the images of 224 pixels that are stored, by one worker
process of Grain with one thread, and by as many as there are cores.
"""

import collections
import contextlib
import functools
import io
import itertools
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import grain
import numpy as np
from absl import flags
from PIL import Image

from medjax import machine
from medjax.data.images import decode, dicom, dicom_file
from medjax.ops import native

_SECONDS = 0.4  # that each is repeated for in a round
_EXPOSURES = 20  # more than there are headers that are remembered
_LONG = 9.0  # seconds for which one worker reads in a round
_KINDS = {
  'CT, 512 x 512, window': (512, True, True, ''),
  'radiograph, 2048 x 2048': (2048, False, False, ''),
  'radiograph, 2048 x 2048, window': (2048, False, True, ''),
  'CT, 512 x 512, window, RLE': (512, True, True, 'RLELossless'),
  'CT, 512 x 512, window, JPEG 2000': (512, True, True, 'JPEG2000Lossless'),
}


def measure(rounds: int) -> dict[str, tuple[float, float, float]]:
  """Of each kind: pictures a second, and that over what pydicom gives, alone and with tables.

  Args:
    rounds: whose medians are taken.
  """
  found = {}
  for name, kind in _KINDS.items():
    # Each exposure has its own window, the slices of a series share one.
    contents = [made(*kind, number) for number in range(1 if kind[1] else _EXPOSURES)]
    ways: dict[str, Callable[[bytes], Any]] = {'ours': picture, 'alone': _alone, 'tables': _tables}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
      for way, run in ways.items():
        seconds[way].append(_seconds(run, contents))
    ours, alone, tables = (statistics.median(each) for each in seconds.values())
    found[name] = (1 / ours, alone / ours, tables / ours)
  return found


def scaling(rounds: int) -> dict[str, tuple[float, float]]:
  """Of each kind: files a second that are made stored images, by one worker and by all cores.

  Args:
    rounds: whose medians are taken.
  """
  found = {}
  for name, kind in _KINDS.items():
    work = functools.partial(_image, made(*kind))
    files = _LONG / _seconds(work, [0])
    rates: dict[int, list[float]] = {1: [], machine.cores(): []}
    for _ in range(rounds):
      for count, of_count in rates.items():
        of_count.append(_rate(work, int(files * count), count))
    medians = [statistics.median(each) for each in rates.values()]
    found[name] = medians[0], medians[-1]
  return found


def _image(content: bytes, number: int) -> int:
  """Makes what is stored of a file; its size, as sending bytes is not what is measured."""
  return len(decode.encode(decode.decode(content, 224, 1, f'made file {number}')))


def _rate(work: Callable[[int], int], files: int, count: int) -> float:
  """Files a second, once all workers have sent some and what waits has been taken."""
  reading = grain.ReadOptions(num_threads=1, prefetch_buffer_size=4)  # a worker is a core
  options = grain.MultiprocessingOptions(num_workers=count, per_worker_buffer_size=8)
  dataset = grain.MapDataset.range(files).map(work).to_iter_dataset(reading)
  with contextlib.closing(iter(dataset.mp_prefetch(options))) as results:
    collections.deque(itertools.islice(results, max(files // 3, 32 * count)), maxlen=0)
    start = time.perf_counter()
    return sum(1 for _ in results) / (time.perf_counter() - start)


def made(side: int, signed: bool, window: bool, syntax: str, number: int = 0) -> bytes:
  """A file with one grey frame of 12 bits.

  Args:
    side: height and width.
    signed: whether values have a sign, and a rescale, as those of a CT.
    window: whether the header has one.
    syntax: name of pydicom's transfer syntax; '' for pixels as they are.
    number: of the file; another has another window.
  """
  pydicom = dicom_file.package()
  noise = np.random.default_rng(0).normal(0, 16, (side, side))
  row, column = np.mgrid[:side, :side] / side
  values = (np.sin(6 * column) * np.cos(5 * row) + 1) * 1023 + noise
  data = pydicom.Dataset()
  data.file_meta = pydicom.dataset.FileMetaDataset()
  data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
  data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = pydicom.uid.CTImageStorage
  data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = pydicom.uid.generate_uid()
  data.Rows = data.Columns = side
  data.SamplesPerPixel, data.PhotometricInterpretation = 1, 'MONOCHROME2'
  data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
  data.PixelRepresentation = int(signed)
  if signed:
    data.RescaleSlope, data.RescaleIntercept = 1, -1024
  if window:
    data.WindowCenter, data.WindowWidth = 40 + number, 400
  for other in range(60):  # what else a scanner writes
    data.add_new((0x0019, 0x1000 + other), 'LO', f'value {other}')
  data.PixelData = values.clip(0, 2047).astype(np.int16 if signed else np.uint16).tobytes()
  if syntax:
    data.compress(getattr(pydicom.uid, syntax))
  content = io.BytesIO()
  data.save_as(content, enforce_file_format=True)
  return content.getvalue()


def picture(content: bytes) -> Image.Image:
  """The frame of a file as medjax reads it."""
  return dicom.read(io.BytesIO(content), 'a made file').image


def _alone(content: bytes) -> np.ndarray:
  return dicom_file.package().dcmread(io.BytesIO(content)).pixel_array


def _tables(content: bytes) -> np.ndarray:
  pydicom = dicom_file.package()
  data = pydicom.dcmread(io.BytesIO(content))
  greys = pydicom.pixels.apply_modality_lut(data.pixel_array, data)
  greys = pydicom.pixels.apply_voi_lut(greys, data).astype(np.float32)
  black, white = greys.min(), greys.max()
  return ((greys - black) * (255 / (white - black))).astype(np.uint8)


def _seconds(run: Callable[[Any], Any], given: Sequence[Any]) -> float:
  """Of one call, over some; the first, which prepares things, does not count."""
  each = itertools.cycle(given)
  run(next(each))
  start, count = time.process_time(), 0
  while not count or time.process_time() - start < _SECONDS:
    run(next(each))
    count += 1
  return (time.process_time() - start) / count


def main(words: list[str]) -> int:
  """Measures and prints; returns the exit code."""
  if not flags.FLAGS.is_parsed():
    flags.FLAGS.mark_as_parsed()  # Grain asks for its own
  with contextlib.suppress(native.UnavailableError):
    native.library()
  rounds = int(words[0]) if words and words[0].isdecimal() else 5
  for name, (rate, alone, tables) in measure(rounds).items():
    print(
      f'{name}: {rate:.0f} a second, {alone:.2f} times pixel_array alone, {tables:.2f} times it '
      'with the tables'
    )
  for name, (one, all_cores) in scaling(max(1, rounds // 2)).items():
    print(
      f'{name}: {one:.0f} files a second by one worker, {all_cores:.0f} by {machine.cores()} '
      f'({all_cores / one:.2f} times as many)'
    )
  return 0


if __name__ == '__main__':
  sys.exit(main(sys.argv[1:]))
