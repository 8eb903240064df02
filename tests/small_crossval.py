"""Settings of a small cross-validation of tabular_mlp, for tests of how its runs are done."""

SMALL = (
  '--config.data.folds=2',
  '--config.data.simulated_rows=300',
  '--config.features=6',
  '--config.num_epochs=3',
  '--config.num_devices=1',
)
