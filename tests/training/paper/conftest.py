"""The remake fits dozens of models: on a few invented days, tracing their graphs would be all the work."""

from collections.abc import Iterator

import pytest
import tensorflow as tf


@pytest.fixture(autouse=True)
def without_tracing(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run TensorFlow's functions step by step; the code is the same."""
    if "candidates" in request.fixturenames:
        request.getfixturevalue("candidates")  # fitted for all tests, on long stretches: those are traced
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
