"""Data: sources become TFDS datasets in ArrayRecord files, and those become batches on devices."""
