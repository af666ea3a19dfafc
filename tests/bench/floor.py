"""The floor that serving is measured against: FastAPI validating and answering the same bodies, no work."""

from fastapi import FastAPI

from app.predict.schemas import Prediction, PredictRequest

# As long as the service's own answers: a shorter one would be cheaper to write and to send.
ANSWER = Prediction.model_validate(
    {
        "track_id": "0" * 22,
        "track_name": "Glaemi Vristin Vruhestal",
        "artist": "Stusur",
        "region": "us",
        "as_of": "2020-12-31",
        "last_observed": "2020-12-31",
        "observed_days": 90,
        "model": {
            "name": "multi_input",
            "version": 2,
            "requested": "auto",
            "reason": "the track has metadata, and multi_input has the smallest next-day error in the "
            "backtests, 0.745 of chart_weekday's; 0.812 of chart_weekday's over the last 60 days in us",
        },
        "metadata_used": True,
        "forecasts": [
            {
                "target_date": "2021-01-01",
                "horizon": 1,
                "streams": 153600.2612345,
                "intervals": [{"level": 80, "lower": 132003.4712345, "upper": 176175.9612345}],
                "baseline_streams": 217426.4512345,
            }
        ],
        "history": [],
    }
)

app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})


@app.post("/predict")
async def predict(asked: PredictRequest) -> Prediction:
    """Answer without looking."""
    return ANSWER.model_copy(update={"track_id": asked.track_id})
