"""Damaged FASTA, VCF, MEME files and tables: read, or one short line; soon and in little memory."""

import gzip
import tracemalloc

import pytest
from damage import bounded, check, damaged
from hypothesis import given
from hypothesis import strategies as st

from medjax.data.residues import aligned
from medjax.data.residues import config as residues
from medjax.data.sequences import alphabet, fasta, meme, variants
from medjax.errors import UserError

FASTA = b'>one class:0\nACGTAC\nGTTA\n;comment\n>two class:1\nACGNNN\n>one class:1\nACU\n'
TABLE = b'id,sequence,label\na,ACGT,1\nb,"AC GT",0\nc,TTTT,\n'
VCF = (
  b'##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\n'
  b'one\t3\trs7\tG\tT,C\ntwo\t1\t.\tAC\tA\ntwo\t4\t.\tA\t<DEL>\n'
)
CHANGES = b'sequence,position,ref,alt,id\none,3,G,T,a\ntwo,1,AC,A,b\n'
MEME = (
  b'MEME version 4\n\nALPHABET= ACGT\n\nMOTIF a\nletter-probability matrix: alength= 4 w= 2\n'
  b'0.1 0.2 0.3 0.4\n1 0 0 0\n\nMOTIF b\nletter-probability matrix:\n0 0 0 1\n'
)


def read_fasta(path):
  entries = fasta.read(path)
  for entry in entries:
    assert entry.id
    assert entry.sequence
    assert entry.sequence == ''.join(entry.sequence.split())
  labels = fasta.labels(entries, r'class:(\w+)')
  assert len(labels) == len(entries)
  letters = alphabet.guess([entry.sequence for entry in entries])
  for entry in entries:
    letters.encode(entry.sequence, entry.where)


def read_table(path):
  for _, row in fasta.read_table(path):
    assert row['sequence']
    alphabet.DNA.encode(row['sequence'], 'row')


def read_variants(path):
  for change in variants.read(path):
    assert bool(change.problem) == (change.position == 0) or change.problem
    if not change.problem:
      change.apply('ACGTACGTAC', 6, alphabet.DNA)


def read_motifs(path):
  for pwm in meme.read(path).values():
    assert (pwm >= 0).all()
    assert abs(pwm.sum(axis=1) - 1).max() < 1e-9


def read_chains(path):
  states = path.with_name('states')
  states.write_bytes(b'>one\nHHEECCHH\n>two\nCCC\n')
  chains = aligned.read(residues.Config(source=str(path), labels=str(states)))
  aligned.states(chains, str(path))


READERS = [
  (read_fasta, FASTA), (read_table, TABLE), (read_variants, VCF), (read_variants, CHANGES),
  (read_motifs, MEME), (read_chains, b'>one\nACDEFGHI\n>two\nKLM\n'),
]  # fmt: skip


@pytest.mark.parametrize(('read', 'whole'), READERS)
@pytest.mark.parametrize('packed', [False, True])
@bounded
@given(data=st.data())
def test_damaged_files(read, whole, packed, data):
  content = gzip.compress(whole, mtime=0) if packed else whole
  check(read, data.draw(damaged(content)))


@pytest.mark.parametrize(('read', 'whole'), READERS)
@bounded
@given(data=st.data())
def test_any_text_in_place_of_a_line(read, whole, data):
  lines = whole.split(b'\n')
  place = data.draw(st.integers(1, len(lines) - 1))
  lines[place] = data.draw(st.text(max_size=20)).encode('utf-8', 'surrogatepass')
  check(read, b'\n'.join(lines))


@pytest.mark.parametrize('read', [read_fasta, read_table, read_variants, read_motifs])
@bounded
@given(content=st.binary(max_size=200))
def test_any_bytes(read, content):
  check(read, content)


@pytest.mark.parametrize(('read', 'whole'), READERS)
@pytest.mark.parametrize(
  'word', ['A' * 100_000, '9' * 100_000, '>' * 100_000, '\t' * 100_000, 'w= ' * 30_000]
)
def test_absurdly_long_words(read, whole, word):
  second = whole.index(b'\n') + 1
  for place in (second, second + 3, whole.rindex(b'\n', 0, -1) + 5):
    check(read, whole[:place] + word.encode() + whole[place:])


def test_lines_alone_take_memory_in_proportion(tmp_path):
  path = tmp_path / 'a.fa.gz'
  path.write_bytes(gzip.compress(b'\n' * 2**22))
  tracemalloc.start()
  try:
    with pytest.raises(UserError, match='is empty; expected FASTA'):
      fasta.read(path)
    assert tracemalloc.get_traced_memory()[1] < 5 * 2**22
    tracemalloc.clear_traces()
    path.write_bytes(gzip.compress(b'>a\nAC' + b'\n' * 2**18))
    fasta.read(path)
    assert tracemalloc.get_traced_memory()[1] < 2**22
  finally:
    tracemalloc.stop()
