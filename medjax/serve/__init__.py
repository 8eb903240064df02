"""A finished model behind HTTP: requests, batches, tokens, logs; needs the extra ``serve``."""
