"""Labels that hold several findings, and names that only look so."""

import pytest

from medjax.data import joint


@pytest.mark.parametrize(
  ('names', 'expected'),
  [
    (['effusion|mass', 'normal'], ('effusion|mass', "'|'")),
    (['effusion|mass|', 'normal'], ('effusion|mass|', "'|'")),
    (['effusion;mass', 'effusion', 'normal'], ('effusion;mass', "';'")),
    (['x', 'Effusion; mass;', 'mass'], ('Effusion; mass;', "';'")),
    (['effusion;mass', 'effusion;nodule'], ('effusion;mass', "';'")),
    (['MI; AF', 'CHF; MI'], ('MI; AF', "';'")),
    (['effusion, mass', 'effusion, nodule'], ('effusion, mass', "','")),
    (['effusion, mass', 'nodule, Effusion', 'normal'], ('effusion, mass', "','")),
    (['a, b', 'a', 'b'], ('a, b', "','")),
    (['pleural effusion, lung mass', 'lung mass, fibrosis'],
     ('pleural effusion, lung mass', "','")),
    (['effusion/mass', 'effusion/nodule'], ('effusion/mass', "'/'")),
    (['adenoma/polyp', 'adenoma', 'polyp'], ('adenoma/polyp', "'/'")),
    (['effusion & mass', 'effusion & nodule'], ('effusion & mass', "'&'")),
    (['effusion+mass', 'effusion+nodule'], ('effusion+mass', "'+'")),
    (['effusion^mass', 'mass', 'effusion'], ('effusion^mass', "'^'")),
    (['effusion_mass', 'mass', 'effusion'], ('effusion_mass', "'_'")),
    (['effusion AND mass', 'mass', 'effusion'], ('effusion AND mass', "' and '")),
    (['effusion, mass, and scar', 'mass', 'effusion', 'scar'],
     ('effusion, mass, and scar', "' and '")),
    (["['effusion', 'mass']", "['mass']"], ("['effusion', 'mass']", 'a list')),
    (['["effusion"]', 'normal'], ('["effusion"]', 'a list')),
    (['[]', 'normal'], ('[]', 'a list')),
    (['[1, 0, 1]', '[0, 0, 1]'], ('[1, 0, 1]', 'a list')),
    (['[1]', '[2]'], ('[1]', 'a list')),
    (["('effusion', 'mass')", 'normal'], ("('effusion', 'mass')", 'a list')),
    (['adenoma;polyp', 'carcinoma'], ('adenoma;polyp', "';'")),
    (['carcinoma; NOS', 'sarcoma; NOS'], ('carcinoma; NOS', "';'")),
    (["{'NORM': 100.0}", "{'MI': 50.0}"], ("{'NORM': 100.0}", 'a list')),
  ],
)  # fmt: skip
def test_several_findings(names, expected):
  assert joint.several_in_one(names) == expected


@pytest.mark.parametrize(
  'names',
  [
    ['pneumonia, viral', 'pneumonia, bacterial', 'normal'],
    ['diabetes, type 1', 'diabetes, type 2'],
    ['fracture, patella', 'fracture, sternum'],
    ['aneurysm, ruptured', 'aneurysm, unruptured', 'aneurysm'],
    ['carcinoma/left breast', 'carcinoma/right breast'],
  ],
)
def test_where_nobody_can_tell_the_label_is_asked_about(names):
  assert joint.several_in_one(names)[0] == names[0]
  assert joint.notes(names) == [
    f'label {names[0]!r} is taken as one class, as config.data.joined_names says'
  ]


@pytest.mark.parametrize(
  'names',
  [
    ['basal cell carcinoma, NOS', 'squamous cell carcinoma, NOS'],
    ['adenoma/polyp', 'carcinoma'],
    ['fracture, patella', 'sprain, ankle', 'normal'],
    ['adenoma/polyp', 'polyp'],
    ['A/A', 'A/G', 'A/C'],
    ['ER+/PR+', 'ER+/PR-', 'ER-/PR-'],
    ['HER2+/luminal', 'HER2+/basal'],
    ['CD4+CD8', 'CD4+CD25'],
    ['II/III', 'III/IV'],
    ['3+4', '4+3', '3+3'],
    ['1+', '2+', '3+'],
    ['lung_opacity', 'lung_nodule', 'opacity'],
    ['head and neck', 'head and spine', 'head'],
    ['[normal]', 'tumour (left)'],
    ['w/o bleeding', 'bleeding'],
  ],
)
def test_names_of_one_finding(names):
  assert joint.several_in_one(names) is None
  assert joint.notes(names) == []
