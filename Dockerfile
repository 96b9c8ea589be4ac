# One image for every process of the platform; the compose file says which one a container runs.
FROM python:3.13-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
COPY requirements.txt /tmp/requirements.txt
RUN /venv/bin/pip install --require-hashes -r /tmp/requirements.txt

FROM python:3.13-slim-bookworm
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 ALGOTRENDY_VAR=/var/lib/algotrendy
RUN useradd --system --uid 10001 --home-dir /app algotrendy \
    && install -d -o algotrendy /var/lib/algotrendy /var/lib/algotrendy/metrics /var/lib/algotrendy/numba
COPY --from=build /venv /venv
WORKDIR /app
COPY . .
# Collecting static files reads the settings, which want addresses and a key; none of them is kept or used.
RUN DATABASE_URL=postgres://none REDIS_URL=redis://none SECRET_KEY=only-while-building \
    ENCRYPTION_KEYS=only-while-building-the-image-0000 \
    python manage.py collectstatic --noinput --verbosity 0
USER algotrendy
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--no-ws", "--http1-buffer-size", "65536", "--blocking-threads", "4", "algotrendy.wsgi:application"]
