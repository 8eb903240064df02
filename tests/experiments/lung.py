"""The default experiment, shrunk, and what a user's mistake gives; shared by its tests."""

SMALL = (
  '--config.data.image_size=48',
  '--config.features=4,8',
  '--config.hidden=64',
  '--config.data.simulated_train=60',
  '--config.data.simulated_val=30',
  '--config.data.simulated_test=40',
  '--config.batch_size=10',
  '--config.num_epochs=2',
)


def error(result):
  """The last line of a command that ended with a user's mistake."""
  code, _, err = result
  lines = err.strip().splitlines()
  assert code == 2, err
  assert lines[-1].startswith('error: ')
  assert 'Traceback' not in err
  return lines[-1]
