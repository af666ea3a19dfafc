"""The numbers of the remake, fixed before any of it is scored."""

from dataclasses import dataclass

KINDS = ("lstm", "gru")
FULL_LOOKBACKS = tuple(range(1, 29))


@dataclass(frozen=True)
class PaperSettings:
    """What is run, and with how much of it.

    Attributes:
        thresholds: A song enters the matrix of the last so many days if it charted through them; more days,
            fewer songs. The first is the main one.
        min_share: On at least this share of those days.
        n_few: So many songs, in all the matrices, are also modelled one by one and as a matrix of their own.
        test_days: The last days of every matrix: 20% of the main one.
        lookbacks: Days that a model sees (our context_length), for the lookback curve.
        lookback: The one of every other experiment.
        units: Of the recurrent layer, and of the feed-forward layer over the metadata.
        learning_rate: Adam's. This and the passes did best on the last 60 training dates of what was tried
            (1e-3, 3e-3 and 1e-2; 60 and 180 passes, 12 and 24 of shared weights).
        passes: Over the training part; the loss curves have a point every ``passes_per_point``.
        batch_size: Windows of the whole matrix, or of one song.
        pooled_passes: The same for models whose weights all songs share, which have many more windows.
        pooled_batch_size: Windows, each of one song.
        pooled_lookbacks: Of the lookback curve of the shared weights.
        seeds: Of the experiments on metadata, whose differences are small. The others take the first.
        our_epochs: Of our own models, with a learning rate that falls over just as many.
    """

    thresholds: tuple[int, ...] = (500, 730, 365)
    min_share: float = 0.9
    n_few: int = 8
    test_days: int = 100
    lookbacks: tuple[int, ...] = (1, 2, 3, 5, 7, 10, 14, 21, 28)
    lookback: int = 7
    units: int = 32
    learning_rate: float = 1e-2
    passes: int = 60
    passes_per_point: int = 5
    batch_size: int = 64
    pooled_passes: int = 24
    pooled_batch_size: int = 256
    pooled_lookbacks: tuple[int, ...] = (1, 3, 7, 14, 28)
    seeds: tuple[int, ...] = (1, 2, 3)
    our_epochs: int = 5
