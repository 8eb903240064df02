"""FASTA files and tables as they are found, and what is said when they are not right."""

import collections
import gzip

import pytest

from medjax.data.sequences import fasta
from medjax.data.sequences.alphabet import PROTEIN
from medjax.errors import UserError

# Without the time of day, as a test's name must be the same in every process.
PACKED = gzip.compress(b'>a\nACGT' * 99, mtime=0)


@pytest.fixture
def write(tmp_path):
  def make(content, name='a.fa'):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path

  return make


def _pairs(path):
  return [(entry.id, entry.sequence) for entry in fasta.read(path)]


def test_wrapped_lines_spaces_comments_and_blank_lines(write):
  path = write('; made by hand\n\n>first one, chr1\nACGT\nac gt \n;more\n\n> second\n\tNN\n')
  first, second = fasta.read(path)
  assert (first.id, first.header, first.sequence) == ('first', 'first one, chr1', 'ACGTACGT')
  assert (second.id, second.header, second.sequence) == ('second', 'second', 'NN')
  assert (first.line, second.line) == (3, 8)
  assert second.where == f'{path} line 8'


@pytest.mark.parametrize('newline', ['\n', '\r\n', '\r'])
@pytest.mark.parametrize('mark', ['', '\ufeff'])
@pytest.mark.parametrize('packed', [False, True])
def test_line_ends_byte_order_mark_and_compression(write, newline, mark, packed):
  content = (mark + newline.join(['>a x\x0cy', 'AC', 'GT', '>b', 'TT'])).encode()
  path = write(gzip.compress(content) if packed else content, 'a.txt')
  assert _pairs(path) == [('a', 'ACGT'), ('b', 'TT')]
  assert fasta.read(path)[1].line == 4


def test_repeated_ids_are_numbered(write):
  path = write('>a 1\nA\n>b\nC\n>a 2\nG\n>a 3\nT\n')
  assert _pairs(path) == [('a', 'A'), ('b', 'C'), ('a #2', 'G'), ('a #3', 'T')]


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    ('', r'a.fa: is empty; expected FASTA'),
    (b'\xef\xbb\xbf \n', r'a.fa: is empty; expected FASTA'),
    (gzip.compress(b'', mtime=0), r'a.fa: is empty'),
    (';only a comment\n', r'a.fa: has no sequences; expected headers that begin with >'),
    ('\nACGT\n>a\nAC', r'a.fa line 2: expected a header that begins with > at first'),
    ('>a\nAC\n>\nGT', r'a.fa line 3: the header is empty; expected a name after >'),
    ('>a\n>b\nAC', r'a.fa line 1: a has no sequence; expected one below its header'),
    ('>a\nAC\n>b b\n \n', r'a.fa line 3: b has no sequence'),
    (b'\x89PNG\r\n\x1a\n\xff', r'a.fa: is no UTF-8 text: .*; expected FASTA'),
    (b'>a\nAC\0GT', r'a.fa: is no text: it has zero bytes'),
    (PACKED[:-9], r'a.fa: is damaged: gzip says .*expected the whole'),
    (PACKED[:-8] + bytes(8), r'a.fa: is damaged: gzip says CRC check'),
    (b'\x1f\x8b\x08\0\0\0\0\0\0\x03\xff\xff\xff', r'a.fa: is damaged: gzip says Error -3'),
  ],
)
def test_what_is_wrong_is_said_in_one_line(write, content, message):
  with pytest.raises(UserError, match=message) as caught:
    fasta.read(write(content))
  assert '\n' not in str(caught.value)


def test_missing_files_and_folders(tmp_path):
  with pytest.raises(UserError, match=r'none.fa: no such file; expected FASTA'):
    fasta.read(tmp_path / 'none.fa')
  with pytest.raises(UserError, match='cannot be read: Is a directory; expected FASTA'):
    fasta.read(tmp_path)


def test_labels(write):
  entries = fasta.read(write('>x; class:0\nA\n>y; class: ill \nC\n'))
  assert fasta.labels(entries, r'class:(.*)') == ['0', 'ill']
  assert fasta.labels(entries, r'(\w); class:(?P<label>.*)') == ['0', 'ill']


@pytest.mark.parametrize(
  ('pattern', 'message'),
  [
    ('class:(', r"label pattern 'class:\(': is no regular expression: missing \)"),
    ('class:.', r'has 0 groups; expected one \( \) around the class'),
    ('(class):(.)', r'has 2 groups; expected one'),
    ('class:(1)', r"a.fa line 1: header 'x; class:0' does not match; expected label pattern"),
    ('y|class:(.)', r"a.fa line 3: header 'y' gives an empty class; expected label pattern"),
  ],
)
def test_labels_that_cannot_be_found(write, pattern, message):
  entries = fasta.read(write('>x; class:0\nA\n>y\nC\n'))
  with pytest.raises(UserError, match=message) as caught:
    fasta.labels(entries, pattern)
  assert '\n' not in str(caught.value)


@pytest.mark.parametrize('packed', [False, True])
def test_table(write, packed):
  content = '\ufeffname\tSequence\tlabel\na\tac gt\t1\nb\tTT\t\n'.encode()
  path = write(gzip.compress(content) if packed else content)
  assert fasta.read_table(path) == [
    (2, {'sequence': 'ACGT', 'name': 'a', 'label': '1'}),
    (3, {'sequence': 'TT', 'name': 'b', 'label': ''}),
  ]


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    ('', r'a.fa: is empty; expected a table'),
    ('id,seq\na,AC', r"no column 'sequence'; did you mean seq\? \(it has id, seq\)"),
    ('id,sequence\na,AC\nb, ', r'a.fa row 3: sequence is empty; leave the row out or fill it in'),
    ('id,sequence\na', r'a.fa row 2: expected 2 cells'),
    ('id,sequence\n', r'a.fa: has a header and no rows'),
  ],
)
def test_tables_that_are_wrong(write, content, message):
  with pytest.raises(UserError, match=message):
    fasta.read_table(write(content))


def test_real_binding_sites(shared_data):
  folder = shared_data('genome_rbp')
  for name, counts in [
    ('qki_test.fa.gz', {'0': 8000, '1': 2000}),
    ('hnrnpc_test.fa.gz', {'0': 8000, '1': 2000}),
  ]:
    entries = fasta.read(folder / name)
    assert {len(entry.sequence) for entry in entries} == {101}
    assert collections.Counter(fasta.labels(entries, r'class:([01])')) == counts
    assert len({entry.id for entry in entries}) == len(entries)
  first = fasta.read(folder / 'qki_test.fa.gz')[0]
  assert first.id == 'chr1,+,367697,367797;'
  assert first.header == 'chr1,+,367697,367797; class:0'


def test_real_promoters(shared_data):
  folder = shared_data('genome_promoters')
  for name, count, length in [
    ('ecoli_prom.fa.gz', 839, 81), ('ecoli_non_prom.fa.gz', 3000, 81),
    ('mouse_tata.fa.gz', 1255, 251), ('mouse_nonprom.fa.gz', 3530, 251),
  ]:  # fmt: skip
    entries = fasta.read(folder / name)
    assert len(entries) == len({entry.id for entry in entries}) == count
    lengths = collections.Counter(len(entry.sequence) for entry in entries)
    assert lengths.most_common(1)[0][0] == length


def test_real_proteins(shared_data):
  folder = shared_data('protein_deeploc')
  entries = fasta.read(folder / 'deeploc_test_set.fasta.gz')
  places = collections.Counter(fasta.labels(entries, r' (.+)-[MSU] test$'))
  assert len(entries) == 2768
  assert (len(places), places['Nucleus']) == (10, 806)
  entries = fasta.read(folder / 'deeploc_our_val_set.fasta.gz')
  assert len(entries) == 1678
  assert max(len(entry.sequence) for entry in entries) == 13100


@pytest.mark.parametrize('letter', ['ß', 'ı', 'ſ', 'é', 'Α'])
def test_letters_beyond_ascii_stay_for_the_alphabet_to_name(write, letter):
  """In upper case, the first is SS, the next are I and S; the last is a Greek one that looks so."""
  (entry,) = fasta.read(write(f'>a\nac{letter}gt\n'))
  ((_, row),) = fasta.read_table(write(f'sequence,label\nac{letter}gt,1\n'))
  assert entry.sequence == row['sequence'] == f'AC{letter}GT'
  with pytest.raises(UserError, match=rf'a\.fa line 1: position 3 is {letter!r}'):
    PROTEIN.encode(entry.sequence, entry.where)


def test_headers_have_one_form(write):
  (entry,) = fasta.read(write('>Mu\u0308ller\u200b\u00a01 class:x\nAC\n'))
  assert (entry.id, entry.header) == ('Müller', 'Müller 1 class:x')


def test_long_names_make_no_long_messages(write):
  with pytest.raises(
    UserError, match=r'line 1: x{60}\.\.\. \(5000 characters\) has no sequence'
  ) as raised:
    fasta.read(write(f'>{"x" * 5000}\n'))
  assert len(str(raised.value)) < 300


def test_names_of_their_own_are_those_of_the_file(write):
  found = fasta.read(write('>a 1\nA\n>b\nC\n>a 2\nG\n'))
  assert [entry.own_id for entry in found] == ['a', 'b', 'a']
