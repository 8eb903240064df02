"""Tasks: what outputs mean. Loss an example, predictions, and metrics of the predictions table."""

from medjax.tasks.base import Task
from medjax.tasks.classification import Binary, Multiclass, classification

__all__ = ['Binary', 'Multiclass', 'Task', 'classification']
