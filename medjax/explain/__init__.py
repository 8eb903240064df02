"""Explanations: which parts of an input a prediction rests on.

Every method takes a score, a function of inputs [n, ...] and class numbers [n] that gives [n], one
number for each input alone, and returns attributions of the shape of the inputs. Work is done
``chunk`` inputs at a time, so that no input and no number of samples is too large for the memory.
"""

from medjax.explain.grad_cam import grad_cam
from medjax.explain.gradients import gradient_shap, saliency, smooth_grad
from medjax.explain.integrated import Integrated, integrated_gradients
from medjax.explain.lime import Surrogate, lime_image, lime_table
from medjax.explain.mutagenesis import mutagenesis
from medjax.explain.occlusion import occlusion
from medjax.explain.regions import superpixels
from medjax.explain.score import Method, Notes, Score, compiled, in_chunks
from medjax.explain.shap import kernel_shap

__all__ = [
  'Integrated',
  'Method',
  'Notes',
  'Score',
  'Surrogate',
  'compiled',
  'grad_cam',
  'gradient_shap',
  'in_chunks',
  'integrated_gradients',
  'kernel_shap',
  'lime_image',
  'lime_table',
  'mutagenesis',
  'occlusion',
  'saliency',
  'smooth_grad',
  'superpixels',
]
