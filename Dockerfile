# The images of TootTail: --target api, web or worker, one for each part of the service, and all, which
# is also the default: the whole service in one container, and every other command. They come from one
# build and differ in what they run. docs/containers.md tells how to use them.

# Another base must be Debian, with Python 3.11 or newer: --build-arg BASE=debian@sha256:…
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS python
# The security updates of the day of the build are wanted, whatever their numbers.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/*

FROM python AS build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
RUN scripts/build-venv /opt/toottail

FROM python AS final
# PostgreSQL, where it is the embedded one, wants a name for who runs it.
RUN groupadd --gid 10001 toottail \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/toottail \
        --shell /usr/sbin/nologin toottail \
    && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/toottail
COPY --from=build /opt/toottail /opt/toottail
ENV PATH=/opt/toottail/bin:$PATH \
    HOME=/var/lib/toottail \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TOOTTAIL_DATA_DIR=/var/lib/toottail \
    TOOTTAIL_LISTEN=0.0.0.0:8080 \
    TOOTTAIL_WORKER_ALIVE_FILE=/tmp/worker.alive
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="TootTail" \
      org.opencontainers.image.description="Makes conversations whole on small Mastodon-compatible servers" \
      org.opencontainers.image.source="https://github.com/toottail/toottail" \
      org.opencontainers.image.licenses="AGPL-3.0-or-later" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# By number, so that who runs it can see that it is not root.
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["toottail"]

FROM final AS api
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["toottail", "api", "--check"]
CMD ["api"]

FROM final AS web
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["toottail", "web", "--check"]
CMD ["web"]

FROM final AS worker
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["toottail", "worker", "--check"]
CMD ["worker"]

FROM final AS all
VOLUME ["/var/lib/toottail"]
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["toottail", "serve", "--check"]
CMD ["serve"]
