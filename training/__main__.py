"""``python -m training``."""

import os
import sys
from importlib.util import find_spec

if find_spec("pandas") is None or find_spec("keras") is None:
    sys.exit("training needs packages that serving does not: make install-dev adds them")

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow is imported: its start is chatty

from training.cli import app

app(prog_name="python -m training")
