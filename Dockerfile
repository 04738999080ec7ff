# syntax=docker/dockerfile:1
# Built in one image, run in another that holds no build tool: `docker compose up --build`.
FROM python:3.11-slim AS built
RUN python -m pip install --quiet --no-cache-dir uv && python -m venv /opt/memo
WORKDIR /src
COPY pyproject.toml requirements.lock README.md LICENSE alembic.ini ./
COPY service service
COPY alembic alembic
COPY templates templates
COPY static static
COPY examples examples
# The lock pins what is installed; it also holds the development tools, which stay out. Compiled here: who runs it may not write there,
# and would compile everything anew at each start.
RUN uv pip install --quiet --no-cache --compile-bytecode --python /opt/memo/bin/python --constraint requirements.lock .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --user-group --home-dir /data --shell /usr/sbin/nologin memo \
    && install -d -o memo -g memo -m 0700 /data
COPY --from=built /opt/memo /opt/memo
ENV PATH=/opt/memo/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MEMO_DATA_DIR=/data \
    MEMO_HOST=0.0.0.0 \
    MEMO_PORT=8300 \
    MEMO_LOG_FORMAT=json
USER memo
WORKDIR /data
VOLUME /data
EXPOSE 8300
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8300/healthz', timeout=4)"]
CMD ["memo", "serve"]
