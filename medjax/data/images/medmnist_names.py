"""What the labels of the two-dimensional MedMNIST sets are called, in the order of their numbers.

Yang et al. 2023, MedMNIST v2, https://doi.org/10.1038/s41597-022-01721-8. Grades of RetinaMNIST
have no names.
"""

import re

_ORGANS = (
  'bladder', 'femur-left', 'femur-right', 'heart', 'kidney-left', 'kidney-right', 'liver',
  'lung-left', 'lung-right', 'pancreas', 'spleen',
)  # fmt: skip
_NAMES = {
  'pathmnist': (
    'adipose', 'background', 'debris', 'lymphocytes', 'mucus', 'smooth muscle',
    'normal colon mucosa', 'cancer-associated stroma', 'colorectal adenocarcinoma epithelium',
  ),
  'chestmnist': (
    'atelectasis', 'cardiomegaly', 'effusion', 'infiltration', 'mass', 'nodule', 'pneumonia',
    'pneumothorax', 'consolidation', 'edema', 'emphysema', 'fibrosis', 'pleural', 'hernia',
  ),
  'dermamnist': (
    'actinic keratoses and intraepithelial carcinoma', 'basal cell carcinoma',
    'benign keratosis-like lesions', 'dermatofibroma', 'melanoma', 'melanocytic nevi',
    'vascular lesions',
  ),
  'octmnist': ('choroidal neovascularization', 'diabetic macular edema', 'drusen', 'normal'),
  'pneumoniamnist': ('normal', 'pneumonia'),
  'breastmnist': ('malignant', 'normal, benign'),
  'bloodmnist': (
    'basophil', 'eosinophil', 'erythroblast',
    'immature granulocytes(myelocytes, metamyelocytes and promyelocytes)', 'lymphocyte',
    'monocyte', 'neutrophil', 'platelet',
  ),
  'tissuemnist': (
    'Collecting Duct, Connecting Tubule', 'Distal Convoluted Tubule',
    'Glomerular endothelial cells', 'Interstitial endothelial cells', 'Leukocytes', 'Podocytes',
    'Proximal Tubule Segments', 'Thick Ascending Limb',
  ),
  'organamnist': _ORGANS, 'organcmnist': _ORGANS, 'organsmnist': _ORGANS,
}  # fmt: skip


def set_name(stem: str) -> str:
  """The set that a file is of by its name, without its size; '' for none.

  Example:
    >>> set_name('PneumoniaMNIST_224'), set_name('my_data')
    ('pneumoniamnist', '')
  """
  match = re.fullmatch(r'([a-z]+mnist)(_\d+)?', stem.lower())
  return match[1] if match else ''


def names(of: str, count: int) -> tuple[str, ...]:
  """Names of ``count`` labels: those of the set, or numbers where it has others.

  Example:
    >>> names('pneumoniamnist', 2), names('', 2)
    (('normal', 'pneumonia'), ('0', '1'))
  """
  known = _NAMES.get(of, ())
  return known if len(known) == count else tuple(map(str, range(count)))
