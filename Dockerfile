# The server, from the hash-pinned locks. What is built with stays behind; what runs is nobody's root.
FROM python:3.11-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/agentlocator
COPY requirements/ requirements/
RUN /opt/agentlocator/bin/pip install --quiet --require-hashes -r requirements/run.lock \
    # The voice detector's weights: only one file is used; the package's metadata would pull a training framework.
    && /opt/agentlocator/bin/pip install --quiet --require-hashes --no-deps -r requirements/weights.lock
COPY pyproject.toml README.md LICENSE ./
COPY src/ src/
RUN /opt/agentlocator/bin/pip install --quiet --no-deps --no-build-isolation . \
    && /opt/agentlocator/bin/pip uninstall --quiet --yes hatchling editables

FROM python:3.11-slim-trixie
# pg_dump and pg_restore, for backups; they must not be older than the server (compose.yaml runs PostgreSQL 17).
RUN apt-get update && apt-get install --yes --no-install-recommends postgresql-client && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/agentlocator --create-home agentlocator
COPY --from=build /opt/agentlocator /opt/agentlocator
ENV PATH=/opt/agentlocator/bin:$PATH PYTHONUNBUFFERED=1 DATA_DIR=/var/lib/agentlocator/data HOST=0.0.0.0 PORT=8000
USER agentlocator
WORKDIR /var/lib/agentlocator
# Made here, so that a volume mounted there belongs to whom the server runs as.
RUN mkdir -p data backups
VOLUME /var/lib/agentlocator
EXPOSE 8000
# The first one lets running calls end.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=4)"]
ENTRYPOINT ["agentlocator"]
CMD ["serve"]
