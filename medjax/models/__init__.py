"""Networks as linen modules: ``model.apply(variables, inputs, train=...)`` gives outputs."""

from medjax.models.base import FIXED, Model, mask_argument, members
from medjax.models.beside import Beside
from medjax.models.cnn import CNN
from medjax.models.convnext import ConvNeXt
from medjax.models.densenet import DenseNet
from medjax.models.dilated_cnn import DilatedCNN
from medjax.models.dmpnn import DMPNN
from medjax.models.drop_path import DropPath
from medjax.models.drug_target import DrugTarget
from medjax.models.efficientnet import EfficientNet
from medjax.models.ensemble import Ensemble
from medjax.models.gaussian_process import COVARIANCE, GaussianProcess, covariance, likeness
from medjax.models.gine import GINE
from medjax.models.image_network import IMAGE_NETWORKS, ImageNetwork, image_network
from medjax.models.language import LanguageModel
from medjax.models.masked_atoms import MaskedAtoms
from medjax.models.mlp import L2, MLP
from medjax.models.norm import BatchNorm, GroupNorm, Norm
from medjax.models.on_fingerprint import OnFingerprint
from medjax.models.plain_unet import PlainUNet
from medjax.models.pooling import AttentionPool
from medjax.models.recurrent import Recurrent
from medjax.models.resnet import ResNet
from medjax.models.scaled import PIXELS, Pixels, Scaled
from medjax.models.sequence_cnn import SequenceCNN
from medjax.models.siamese import Siamese
from medjax.models.transformer import Transformer
from medjax.models.trees import NODE, Trees
from medjax.models.unet import UNet
from medjax.models.vit import VisionTransformer

__all__ = [
  'CNN',
  'COVARIANCE',
  'DMPNN',
  'FIXED',
  'GINE',
  'IMAGE_NETWORKS',
  'L2',
  'MLP',
  'NODE',
  'PIXELS',
  'AttentionPool',
  'BatchNorm',
  'Beside',
  'ConvNeXt',
  'DenseNet',
  'DilatedCNN',
  'DropPath',
  'DrugTarget',
  'EfficientNet',
  'Ensemble',
  'GaussianProcess',
  'GroupNorm',
  'ImageNetwork',
  'LanguageModel',
  'MaskedAtoms',
  'Model',
  'Norm',
  'OnFingerprint',
  'Pixels',
  'PlainUNet',
  'Recurrent',
  'ResNet',
  'Scaled',
  'SequenceCNN',
  'Siamese',
  'Transformer',
  'Trees',
  'UNet',
  'VisionTransformer',
  'covariance',
  'image_network',
  'likeness',
  'mask_argument',
  'members',
]
