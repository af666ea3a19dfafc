"""The model behind MLServer: a custom runtime, on its event loop, as its fastest way is."""

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

from tests.bench.peer_model import load_peer_model


class Chartcast(MLModel):  # type: ignore[misc]
    """Takes a track id, gives streams and bounds."""

    async def load(self) -> bool:
        """Read the model once."""
        self.peer = load_peer_model()
        self.run = self.peer.build_run()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """One track's next day."""
        track_id = StringCodec.decode_input(payload.inputs[0])[0]
        answer = np.array([self.peer.predict(track_id, self.run)])
        outputs = [NumpyCodec.encode_output("forecast", answer)]
        return InferenceResponse(model_name=self.name, outputs=outputs)
