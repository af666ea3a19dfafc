"""The parts of an invented chart market; ``training.simulate`` puts them together."""
