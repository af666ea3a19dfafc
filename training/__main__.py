"""``python -m training``."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow is imported: its start is chatty

from training.cli import app

app(prog_name="python -m training")
