# The images of Chartcast, from the root of the repository:
#
#     docker build --target serving -t chartcast .
#     docker build --target training -t chartcast-training .
#
# BASE is an image of Debian's kind with Python 3.11 to 3.13 and pip as python3; name it by digest where a
# build must come out the same twice. docs/operations.md says how the images are run.
ARG BASE=python:3.11-slim

FROM ${BASE} AS base
# The id is fixed, so that volumes keep their owner from one image to the next.
RUN groupadd --gid 10001 chartcast \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/chartcast --shell /usr/sbin/nologin chartcast \
 && install -d -o 10001 -g 10001 -m 0750 /var/lib/chartcast
WORKDIR /srv/chartcast

# Wheels alone, each by its hash: no code of a package runs while it is installed. The base's own pip does it,
# so that there is none in the environment that ships.
FROM base AS serving-packages
COPY requirements-tracing.txt ./
RUN python3 -m venv --without-pip /opt/venv \
 && python3 -m pip --python /opt/venv/bin/python install \
      --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-tracing.txt

FROM base AS training-packages
COPY requirements-training.txt ./
RUN python3 -m venv --without-pip /opt/venv \
 && python3 -m pip --python /opt/venv/bin/python install \
      --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-training.txt

# Bytecode is made here, since the root of a running container is read-only; it is not checked against the source.
FROM base AS code
COPY alembic.ini LICENSE ./
COPY migrations migrations
COPY app app
RUN python3 -m compileall -q --invalidation-mode unchecked-hash app migrations

# What training alone reads stays out: the Keras models (a zip each, with a config that Keras would build from).
FROM code AS serving-code
RUN find app/bundles -name model.keras -delete

FROM base AS running
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Chartcast" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# All that is written goes into this one volume; /tmp holds an upload's file parts while they are read.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CHARTCAST_DATABASE_URL=sqlite:////var/lib/chartcast/chartcast.db \
    CHARTCAST_MODELS_DIR=/var/lib/chartcast/models \
    CHARTCAST_RUNS_DIR=/var/lib/chartcast/runs
VOLUME /var/lib/chartcast
USER 10001:10001
STOPSIGNAL SIGTERM

FROM running AS training
LABEL org.opencontainers.image.description="Fits, backtests, publishes and refreshes Chartcast's models"
COPY --from=training-packages /opt/venv /opt/venv
COPY --from=code /srv/chartcast ./
COPY training training
ENTRYPOINT ["python", "-m", "training"]
CMD ["--help"]

# The last stage: what a build without --target makes.
FROM running AS serving
LABEL org.opencontainers.image.description="Forecasts of daily chart streams per track and region, over HTTP"
COPY --from=serving-packages /opt/venv /opt/venv
COPY --from=serving-code /srv/chartcast ./
# uvicorn reads each of its options from the environment. Who sent a request is never taken from its headers.
ENV UVICORN_HOST=0.0.0.0 \
    UVICORN_PORT=8000 \
    UVICORN_HTTP=app.server:BoundedProtocol \
    UVICORN_WORKERS=1 \
    UVICORN_ACCESS_LOG=false \
    UVICORN_PROXY_HEADERS=false \
    UVICORN_SERVER_HEADER=false \
    UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN=30
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-m", "app.health.probe"]
CMD ["python", "-m", "uvicorn", "app.main:app"]
