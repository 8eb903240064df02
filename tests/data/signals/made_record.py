"""Records and annotations written byte by byte, after header(5), signal(5) and annot(5)."""

import struct

CODES = {'N': 1, 'V': 5, 'A': 8, '+': 28, '"': 22}


def checksum(values):
  """All samples added up in sixteen bits, below 0 where the highest is set."""
  total = sum(values) % 65536
  return total - 65536 if total >= 32768 else total


def words(values):
  """Format 16: two bytes a sample, the least first."""
  return b''.join(struct.pack('<h', value) for value in values)


def header(name, leads, *, rate='100', gain='200(0)/mV', names=('MLII', 'V1'), sums=None):
  """The text of a header of leads, lists of steps, one after the other in NAME.dat."""
  sums = [checksum(lead) for lead in leads] if sums is None else sums
  lines = [f'{name} {len(leads)} {rate} {len(leads[0])}']
  for lead, label, total in zip(leads, names, sums, strict=False):
    lines.append(f'{name}.dat 16 {gain} 16 0 {lead[0]} {total} 0 {label}'.rstrip())
  return '\n'.join(lines) + '\n'


def annotations(beats, notes=()):
  """The bytes of (time, symbol), after notes at time 0."""
  found, last = b'', 0
  for note in notes:
    text = note.encode()
    found += struct.pack('<HH', CODES['"'] << 10, 63 << 10 | len(text))
    found += text + b'\0' * (len(text) % 2)
  for time, symbol in beats:
    step, last = time - last, time
    if not 0 <= step < 1024:
      skip = step % 2**32
      found += struct.pack('<HHH', 59 << 10, skip >> 16, skip & 0xFFFF)
      step = 0
    found += struct.pack('<H', CODES[symbol] << 10 | step)
  return found + b'\0\0'


def steps(length=3000, peaks=(), height=500):
  """A lead of small steps with a spike at each peak."""
  values = [(7 * i) % 23 - 11 for i in range(length)]
  for peak in peaks:
    values[peak] += height
  return values


def write(
  folder, name='a', leads=None, beats=((100, 'N'), (900, 'V'), (2000, 'N')), notes=(), **more
):
  """Writes a record and its annotations; the path of its header."""
  leads = leads or [steps(peaks=[time for time, _ in beats]), steps()]
  (folder / f'{name}.hea').write_text(header(name, leads, **more))
  (folder / f'{name}.dat').write_bytes(words([v for row in zip(*leads, strict=True) for v in row]))
  (folder / f'{name}.atr').write_bytes(annotations(beats, notes))
  return folder / f'{name}.hea'
