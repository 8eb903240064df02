"""Tasks: what outputs mean. Loss an example, predictions, and metrics of the predictions table."""

from medjax.tasks.base import Task
from medjax.tasks.classification import Binary, Multiclass, classification
from medjax.tasks.positions import PerPosition
from medjax.tasks.regression import Regression

__all__ = ['Binary', 'Multiclass', 'PerPosition', 'Regression', 'Task', 'classification']
