"""The paper's models, in stock Keras: a recurrent layer on windows; metadata joined to its state."""

import keras
from keras import layers

RECURRENT = {"lstm": layers.LSTM, "gru": layers.GRU}


def build_recurrent(kind: str, *, lookback: int, n_songs: int, units: int) -> keras.Model:
    """Windows (batch, lookback, songs) -> the next day of the same songs (batch, songs).

    With one song it is the single-song model, and the recurrent part of the multi-input one.
    """
    windows = keras.Input((lookback, n_songs), name="windows")
    state = RECURRENT[kind](units, name="recurrent")(windows)
    return keras.Model(windows, layers.Dense(n_songs, name="next_day")(state), name=kind)


def build_multi_input(recurrent: keras.Model, *, n_features: int, units: int, two_stage: bool) -> keras.Model:
    """One song's windows (batch, lookback, 1) and its features (batch, features) -> (batch, 1).

    Args:
        recurrent: Its state is joined with the features, and a feed-forward net is put on top.
        n_features: 13.
        units: Of the feed-forward layer.
        two_stage: The recurrent part is trained already and stays as it is; else both learn jointly.
    """
    recurrent.trainable = not two_stage
    features = keras.Input((n_features,), name="features")
    state = recurrent.get_layer("recurrent").output
    joined = layers.Concatenate(name="joined")([state, features])
    hidden = layers.Dense(units, activation="relu", name="hidden")(joined)
    next_day = layers.Dense(1, name="next_day_of_both")(hidden)
    return keras.Model([recurrent.input, features], next_day, name="multi_input")
