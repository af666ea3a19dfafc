"""The outputs of the served graph, by what they go through."""

from app.forecasting.presence import OUTPUTS
from training.row_models import Block

N_RANKS = sum(output.startswith("rank_") for output in OUTPUTS)
BLOCKS = (Block(OUTPUTS[:-N_RANKS], "sigmoid"), Block(OUTPUTS[-N_RANKS:]))
