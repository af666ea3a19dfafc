"""The model behind BentoML: one worker, no access log."""

import bentoml

from tests.bench.peer_model import load_peer_model


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Chartcast:
    """Takes a track id, gives streams and bounds."""

    def __init__(self) -> None:
        self.peer = load_peer_model()
        self.run = self.peer.build_run()

    @bentoml.api  # type: ignore[untyped-decorator]
    async def predict(self, track_id: str) -> dict[str, float]:
        """One track's next day."""
        streams, lower, upper = self.peer.predict(track_id, self.run)
        return {"streams": streams, "lower": lower, "upper": upper}
