"""DICOM files written for tests."""

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset

DIGITAL_XRAY = '1.2.840.10008.5.1.4.1.1.1.1'
SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7'


def dataset(pixels: np.ndarray, **tags) -> Dataset:
  """A grey [H, W], film [N, H, W] or colour [H, W, 3] image, with any tags by keyword."""
  made = Dataset()
  made.file_meta = FileMetaDataset()
  made.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
  made.SOPClassUID, made.SOPInstanceUID = DIGITAL_XRAY, pydicom.uid.generate_uid()
  colour = pixels.shape[-1] == 3
  made.SamplesPerPixel = 3 if colour else 1
  made.PhotometricInterpretation = 'RGB' if colour else 'MONOCHROME2'
  if colour:
    made.PlanarConfiguration = 0
  frames, (made.Rows, made.Columns) = pixels.shape[:-2], pixels.shape[-2:]
  if colour:
    frames, (made.Rows, made.Columns) = (), pixels.shape[:2]
  if frames:
    made.NumberOfFrames = frames[0]
  bits = 8 * pixels.itemsize
  made.BitsAllocated, made.BitsStored, made.HighBit = bits, bits, bits - 1
  made.PixelRepresentation = int(pixels.dtype.kind == 'i')
  made.PixelData = pixels.tobytes()
  made['PixelData'].VR = 'OW' if bits > 8 else 'OB'
  for keyword, value in tags.items():
    setattr(made, keyword, value)
  return made


def write(path, pixels: np.ndarray, **tags) -> None:
  """Writes ``dataset``."""
  path.parent.mkdir(parents=True, exist_ok=True)
  dataset(pixels, **tags).save_as(path, enforce_file_format=True)
