"""Lists of variants, and what they make of a sequence."""

import gzip

import pytest

from medjax.data.sequences import fasta, variants
from medjax.data.sequences.alphabet import DNA, PROTEIN, RNA
from medjax.data.sequences.variants import Variant
from medjax.errors import UserError

VCF = (
  '##fileformat=VCFv4.2\n'
  '#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n'
  'chr1\t3\trs7\tG\tT,C\t.\t.\t.\n'
  '\n'
  'chr2\t1\t.\tAC\tA\t.\t.\t.\n'
  'chr2\t4\t.\tA\t<DEL>\t.\t.\t.\n'
)


@pytest.mark.core
@pytest.mark.parametrize('compressed', [False, True])
def test_a_vcf_has_one_variant_for_each_alternative(tmp_path, compressed):
  path = tmp_path / 'a.vcf'
  path.write_bytes(gzip.compress(VCF.encode()) if compressed else VCF.encode())
  found = variants.read(path)
  assert [(v.name, v.sequence, v.position, v.ref, v.alt) for v in found[:3]] == [
    ('rs7', 'chr1', 3, 'G', 'T'),
    ('rs7', 'chr1', 3, 'G', 'C'),
    ('chr2:1 AC>A', 'chr2', 1, 'AC', 'A'),
  ]
  assert "changes 'A' to '<DEL>'; expected letters" in found[3].problem
  assert found[3].where == f'{path} line 6'


@pytest.mark.core
def test_a_table_says_the_same(tmp_path):
  path = tmp_path / 'a.csv'
  path.write_text('Sequence;Position;Ref;Alt\nchr1;3;G;T\nchr1;x;G;T\n')
  first, second = variants.read(path)
  assert (first.sequence, first.position, first.problem) == ('chr1', 3, '')
  assert second.problem == "position is 'x'; expected a whole number from 1"


@pytest.mark.core
@pytest.mark.parametrize(
  ('position', 'ref', 'alt', 'length', 'expected'),
  [
    (3, 'G', 't', 9, ('ACGTACGT', 'ACTTACGT')),
    (3, 'G', 'T', 3, ('CGT', 'CTT')),
    (1, 'A', 'G', 3, ('ACG', 'GCG')),
    (8, 'T', 'G', 3, ('CGT', 'CGG')),
    (3, 'GT', 'G', 8, ('ACGTACGT', 'ACGACGT')),
    (3, 'G', 'GAA', 8, ('ACGTACGT', 'ACGAATAC')),
  ],
)
def test_both_sequences_begin_at_the_same_letter(position, ref, alt, length, expected):
  change = Variant('v', 's', position, ref, alt, 'a.csv row 2')
  assert change.apply('ACGTACGT', length, DNA) == expected


@pytest.mark.core
def test_errors_name_the_line_and_what_is_there(tmp_path):
  with pytest.raises(UserError, match='row 2: s has GT at 3; expected GG'):
    Variant('v', 's', 3, 'GG', 'T', 'a.csv row 2').apply('ACGT', 4, DNA)
  with pytest.raises(UserError, match='position 9 is not in s, which has 4 letters'):
    Variant('v', 's', 9, 'G', 'T', 'a.csv row 2').apply('ACGT', 4, DNA)
  path = tmp_path / 'a'
  for text, message in [
    ('#CHROM\tPOS\n', 'line 1: expected the columns CHROM POS ID REF ALT'),
    ('##x\nchr1\t1\t.\tA\tC\n', 'line 2: expected a header that begins with #CHROM'),
    (VCF + 'chr1 4 . A C\n', 'line 7: 1 cells joined by tabs'),
    ('sequence,position,ref\na,1,A\n', "no column 'alt'"),
    ('sequence,position,ref,alt\n', 'has a header and no variants'),
    ('', 'is empty'),
  ]:
    path.write_text(text)
    with pytest.raises(UserError, match=message):
      variants.read(path)
  with pytest.raises(UserError, match='no such file'):
    variants.read(tmp_path / 'none.vcf')


@pytest.mark.parametrize(('letters', 'sequence'), [(RNA, 'ACGUACGU'), (DNA, 'ACGTACGT')])
@pytest.mark.parametrize(('ref', 'alt'), [('T', 'C'), ('U', 'C'), ('u', 'c'), ('UAC', 'T')])
def test_t_and_u_are_one_letter(letters, sequence, ref, alt):
  """As spelled in the file or in the sequence: both give the tokens of the changed sequence."""
  pair = Variant('v', 's', 4, ref, alt, 'a.vcf line 2').apply(sequence, 8, letters)
  changed = sequence[:3] + alt.upper() + sequence[3 + len(ref) :]
  for found, expected in zip(pair, (sequence, changed), strict=True):
    assert letters.encode(found, 'here').tolist() == letters.encode(expected, 'here').tolist()
  with pytest.raises(UserError, match='s has G at 3; expected T'):
    Variant('v', 's', 3, 'T', 'C', 'a.vcf line 2').apply(sequence, 8, letters)


def test_t_and_u_are_two_residues():
  with pytest.raises(UserError, match='s has T at 2; expected U'):
    Variant('v', 's', 2, 'U', 'C', 'a.csv row 2').apply('MTK', 3, PROTEIN)


@pytest.mark.parametrize('write', ['vcf', 'csv'])
def test_every_way_to_give_variants_of_rna(tmp_path, write):
  path = tmp_path / f'a.{write}'
  if write == 'vcf':
    path.write_text('#CHROM\tPOS\tID\tREF\tALT\ntx1\t21\tv1\tT\tC\n')
  else:
    path.write_text('sequence,position,ref,alt\ntx1,21,T,C\n')
  (one,) = variants.read(path)
  sequence = 'ACGUACGGAUCCGAUACGGAUCGCAUGC'
  assert one.apply(sequence, 28, RNA) == (sequence, sequence[:20] + 'C' + sequence[21:])


def test_variants_of_the_case(shared_data):
  folder = shared_data('../cases/rna_u_t')
  (sequence,) = fasta.read(folder / 'ref.fa')
  pairs = [
    variants.read(folder / name)[0].apply(sequence.sequence, 60, RNA)
    for name in ('dna_letters.vcf', 'rna_letters.vcf')
  ]
  assert pairs[0] == pairs[1]
  assert (pairs[0][0][20], pairs[0][1][20]) == ('U', 'C')


@pytest.mark.parametrize('position', ['9' * 5000, '-1', '0', '1_0', '٣', '1.0', ''])
def test_positions_that_are_none(tmp_path, position):
  (tmp_path / 'a.vcf').write_text(f'#CHROM\tPOS\tID\tREF\tALT\nc\t{position}\tx\tA\tC\n')
  (tmp_path / 'a.csv').write_text(f'sequence,position,ref,alt\nc,{position},A,C\n')
  for name in ('a.vcf', 'a.csv'):
    (found,) = variants.read(tmp_path / name)
    assert found.position == 0
    assert f"position is '{position[:60]}" in found.problem
    assert len(found.problem) < 150


def test_long_words_make_no_long_messages(tmp_path):
  change = Variant('v', 's' * 5000, 1, 'G' * 5000, 'T', 'a.csv row 2')
  for sequence in ('', 'A' * 5000):
    with pytest.raises(UserError) as raised:
      change.apply(sequence, 5000, DNA)
    assert len(str(raised.value)) < 300
  (tmp_path / 'a.csv').write_text(f'sequence,position,ref,alt\nc,1,{"-" * 5000},{"+" * 5000}\n')
  assert len(variants.read(tmp_path / 'a.csv')[0].problem) < 250


def test_lines_end_only_where_a_line_ends(tmp_path):
  (tmp_path / 'a.vcf').write_text('\n##x\n' + '#CHROM\tPOS\tID\tREF\tALT\nc\x0b\t1\t\u2028\tA\tC\n')
  (found,) = variants.read(tmp_path / 'a.vcf')
  assert (found.where.endswith('line 4'), found.position) == (True, 1)
